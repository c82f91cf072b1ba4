# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What a server does by itself beside its clients: old messages go, backups are made by one of several."""

import contextlib
import ctypes
import os
import select
import struct
import time

import pytest

import old_database
from old_database import Member
from server_process import PostgresDatabase, Server

SECONDS = 110
# How often a server checks whether a backup is due.
CHECK_SECONDS = 20
IN_OPEN, IN_CREATE = 0x20, 0x100
OLD = ["before the migration", "a typo", "Message deleted", "a file of then"]
GONE = "Message deleted"


def wait_until(is_true):
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def server(tmp_path):
    """A server that keeps messages for ever, with a group, a channel and a chat of two in which somebody spoke years ago."""
    server = Server(tmp_path)
    old_database.fill(server)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def people(server):
    """Two who are connected, and have spoken in the group again."""
    people = [Member(server, "anna"), Member(server, "ben")]
    people[0].say("Friends", "news of now")
    yield people
    for person in people:
        person.client.close()


def keep(server, **ages):
    """Writes how long messages are kept into the settings, and lets the running server read them."""
    for name, age in ages.items():
        done = server.manage("config", "set", f"RETENTION.{name}", age)
        assert done.returncode == 0, done.stderr
    done = server.manage("reload")
    assert done.returncode == 0, done.stderr
    return done.stdout


def expire(server, *words):
    done = server.manage("message", "expire", "--yes", *words)
    return done.returncode, done.stdout + done.stderr


def test_ages_of_a_reload_are_those_of_the_next_pass(server, people):
    # Nothing in force says how long.
    status, said = expire(server)
    assert status == 64 and "keep messages for ever" in said, said

    assert "RETENTION.GROUP" in keep(server, GROUP="365d")
    status, said = expire(server, "--dry-run")
    assert status == 0 and "3 messages of type group older than 365 days" in said, said
    assert people[0].read("Friends").texts == [*OLD, "news of now"]
    assert expire(server)[0] == 0
    for person in people:
        assert person.read("Friends").texts == [GONE] * 4 + ["news of now"]
        # Of the other types all is kept.
        assert person.read("").texts == ["just between us"]
    assert people[0].read("News").texts == ["news of then"]

    keep(server, CHANNEL="52w", CHAT="9000d")
    assert expire(server)[0] == 0
    assert people[0].read("News").texts == [GONE]
    assert people[1].read("").texts == ["just between us"]
    people[1].say("Friends", "it goes on")
    assert people[0].read("Friends").texts[4:] == ["news of now", "it goes on"]


def test_a_running_server_erases_what_is_old_by_itself(server, people):
    # What the settings say at the start, and what a reload adds before the first pass, a minute later.
    server.stop()
    done = server.manage("config", "set", "RETENTION.CHANNEL", "52w")
    assert done.returncode == 0, done.stderr
    server.start()
    keep(server, GROUP="365d")
    for person in people:
        person.connect()
    was_in_time = people[0].read("News").texts == ["news of then"]

    wait_until(lambda: people[0].read("News").texts == [GONE])

    if was_in_time:
        wait_until(lambda: people[1].read("Friends").texts == [GONE] * 4 + ["news of now"])
        found = server.manage("message", "search", "migration", "--quiet")
        assert found.returncode == 0 and "before the migration" not in found.stdout
    assert people[1].read("Friends").texts[4:] == ["news of now"]
    assert people[1].read("").texts == ["just between us"]


class Watch:
    """Tells when somebody looks into a folder or puts something there."""

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.file = libc.inotify_init1(os.O_CLOEXEC)
        watch = libc.inotify_add_watch(self.file, os.fsencode(folder), IN_OPEN | IN_CREATE)
        assert self.file >= 0 and watch >= 0, os.strerror(ctypes.get_errno())

    def events(self):
        """What happened next, as a set of masks."""
        assert select.select([self.file], [], [], SECONDS)[0], "nobody looked"
        data, found = os.read(self.file, 4096), set()
        while data:
            _, mask, _, length = struct.unpack_from("iIII", data)
            found.add(mask & (IN_OPEN | IN_CREATE))
            data = data[16 + length:]
        return found

    def wait_for_two_checks(self):
        """Waits until two looks were seconds apart, and insists that nothing was put there."""
        looked = None
        while True:
            assert self.events() == {IN_OPEN}
            now = time.monotonic()
            if looked and now - looked > CHECK_SECONDS / 2:
                return
            looked = looked or now

    def close(self):
        os.close(self.file)


@pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="PARLEY_TEST_POSTGRES is not set")
def test_one_of_two_servers_makes_the_backups_and_the_other_follows_it(tmp_path):
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    with contextlib.ExitStack() as exits:
        exits.callback(database.drop)
        folders, servers = [], []
        for name in ("one", "two"):
            folder = tmp_path / name
            (folder / "backup").mkdir(parents=True)
            folders.append(folder / "backup")
            servers.append(
                Server(
                    folder, database, CLUSTER_NODE=name, SECRETS_KEY_FILE=str(tmp_path / "secret.key"),
                    BACKUP_FOLDER=str(folder / "backup"), BACKUP_SCHEDULE="every 6h"))
        servers[0].prepare_database()
        watch = Watch(folders[1])
        exits.callback(watch.close)
        for server in servers:
            server.start()
            exits.callback(server.stop)

        def backups(number):
            return [path for path in folders[number].iterdir() if path.name.endswith(".tar.gz")]

        # A folder without a backup is reason enough for each to make one at its first check; by the second, that is over.
        watch.wait_for_two_checks()
        wait_until(lambda: backups(0))
        assert backups(1) == []

        servers[0].stop()
        wait_until(lambda: backups(1))
        assert len(backups(0)) == 1
        verified = servers[1].manage("backup", "verify", str(backups(1)[0]))
        assert verified.returncode == 0, verified.stderr
