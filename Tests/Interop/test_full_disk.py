# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's disk is full: messages are refused and others go on, and when there is space again, so do they."""

import os
import secrets
import subprocess
import tempfile
from pathlib import Path

import pytest

from server_process import PostgresDatabase, Server
from test_refusals import refused
from test_storage_faults import SCRIPT, SECONDS, wait_until

pytestmark = [
    pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="PARLEY_TEST_POSTGRES is not set"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]


class SmallPostgres:
    """A PostgreSQL for one test alone, on a small disk that nobody else sees."""

    def __init__(self, folder):
        self.state = folder / "postgres"
        self.disk = Path(tempfile.mkdtemp())
        mount = 'mount -t tmpfs -o size=160m,mode=1777 tmpfs "$0" && echo mounted && exec sleep infinity'
        # The disk is there as long as this process is.
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", mount, str(self.disk)], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "mounted\n"
        self.uri = self.run(SCRIPT, "start", "--state", self.state).stdout.strip().partition("=")[2]

    def run(self, *command, check=True):
        """Runs a program that sees the disk."""
        return subprocess.run(
            ["nsenter", "--target", str(self.holder.pid), "--mount", *command], text=True, capture_output=True,
            timeout=SECONDS, check=check, env=os.environ | {"TMPDIR": str(self.disk)})

    def fill(self):
        done = self.run("dd", "if=/dev/zero", f"of={self.disk}/filling", "bs=64K", check=False)
        assert "No space left" in done.stderr, done

    def free(self):
        self.run("rm", f"{self.disk}/filling")

    def remove(self):
        self.run(SCRIPT, "stop", "--state", self.state)
        self.holder.terminate()
        self.holder.wait(SECONDS)
        self.disk.rmdir()


@pytest.fixture
def postgres(tmp_path):
    postgres = SmallPostgres(tmp_path)
    yield postgres
    postgres.remove()


@pytest.fixture
def parts(postgres, tmp_path):
    """A server, and the database that it has on that PostgreSQL."""
    database = PostgresDatabase(postgres.uri)
    server = Server(tmp_path, database, RATE_LIMIT_ENABLED="off")
    server.prepare_database()
    server.start()
    yield server, database
    server.stop()


def test_a_full_disk_refuses_and_heals(parts, postgres, register):
    server, database = parts
    alice = register(server, "alice")
    flow = alice.make_flow()
    # The write-ahead log has room for what follows: without it PostgreSQL would end.
    database.run("SELECT pg_switch_wal()")
    assert alice.send(flow, "before").code == 200
    texts, refusals = ["before"], 0

    postgres.fill()
    for _ in range(60):
        text = secrets.token_hex(10_000)
        answer = alice.send(flow, text)
        if answer.code == 200:
            texts.append(text)
            continue
        refused(answer, "send_message", 503)
        refusals += 1
        if refusals == 3:
            break

    assert refusals == 3
    assert alice.ping().code == 200
    assert alice.messages(flow, message_start=0, message_end=100).texts == texts
    postgres.free()
    wait_until(lambda: alice.send(flow, "after").code == 200)
    assert alice.messages(flow, message_start=0, message_end=100).texts == [*texts, "after"]
