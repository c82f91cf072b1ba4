# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Imports row by row: tried, repeated, killed in the middle; the other server's database stays as it was."""

import contextlib
import json
import os
import sqlite3
import subprocess
import time

import psycopg2
import pytest
import rsa

import fastchat_client
from mtp_client import Client
from reference_servers import make_fastchat, make_messenger, make_morelia, sqlobject_uri
from server_process import BINARY, PostgresDatabase
from test_import import PASSWORD, SKIPPED, WORLD, counts, log_in, run_import

SECONDS = 60
# What tells of commands and servers, not of what was imported.
ADMINISTRATIVE = {"audit", "audit_head", "log_head", "log_steps", "nodes", "node_presence", "sessions"}
# The columns of an event.
POSITION, FLOW, NUMBER, UUID, TYPE, SENDER, TIME, CONTENT = 0, 1, 3, 4, 5, 7, 8, 9
TABLE = 'login,password,username,email,bot\r\ndora,a password,Dora,dora@example.org,no\r\nrobot,,,,yes\r\n'


def rows(server):
    """Every row that the server keeps, by table."""
    with contextlib.closing(sqlite3.connect(f"file:{server.folder / 'chat.db'}?mode=ro", uri=True)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {
            name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr)
            for name in names if name not in ADMINISTRATIVE
        }
    found["events"] = [event for event in found["events"] if event[TYPE] != "admin"]
    return found


class SQLiteFile:
    """The other server's database as a file."""

    def __init__(self, path):
        self.path = path
        self.source, self.stdin = str(path), None

    def contents(self):
        """Its bytes, and what else is in its folder."""
        return self.path.read_bytes(), sorted(path.name for path in self.path.parent.iterdir())

    def drop(self):
        """The folder goes with the test."""


class PostgresSource:
    """The other server's database on PostgreSQL, where nothing may be written once it is made."""

    def __init__(self):
        self.database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
        self.source, self.stdin = "-", self.database.uri + "\n"

    def connect(self):
        return contextlib.closing(psycopg2.connect(self.database.uri))

    def contents(self):
        with self.connect() as connection, connection, connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
            names = [name for (name,) in cursor.fetchall()]
            found = {}
            for name in names:
                cursor.execute(f'SELECT ctid::text, xmin::text, t::text FROM "{name}" t')
                found[name] = sorted(cursor.fetchall())
            return found

    def drop(self):
        self.database.drop()


@contextlib.contextmanager
def morelia_file(folder):
    (folder / "old").mkdir()
    make_morelia(f"sqlite:{folder / 'old' / 'morelia.db'}", WORLD)
    yield SQLiteFile(folder / "old" / "morelia.db")


@contextlib.contextmanager
def morelia_postgres(folder):
    source = postgres_source()
    try:
        make_morelia(sqlobject_uri(source.database.uri), WORLD)
        yield source
    finally:
        source.drop()


@contextlib.contextmanager
def messenger_file(folder):
    (folder / "old").mkdir()
    make_messenger(
        folder / "old" / "messenger.db", [("ann", "ann@example.org", PASSWORD), ("ben", "", PASSWORD)], [("ann", "ben")])
    yield SQLiteFile(folder / "old" / "messenger.db")


@contextlib.contextmanager
def fastchat_postgres(folder):
    source = postgres_source()
    try:
        public_key, _ = rsa.newkeys(1024)
        pem = public_key.save_pkcs1().decode()

        def sealed(text, **members):
            message, key = fastchat_client.encrypt(text, pem)
            return json.dumps({
                "type": "msg", "time": fastchat_client.TIME, "dest": 7, "from": 8, "message": message, "isgroup": 0,
                "response": 0, "key": key,
            } | members)

        make_fastchat(
            source.database.uri, users=[(number, PASSWORD, pem) for number in (7, 8, 9, 10)],
            groups=[(5, [7, 8, 9], 8), (6, [7, 10], 7)], messages=[(8, 7, "2020-01-02 03:04:05.678901", sealed("waits"))],
            group_messages=[
                (8, 5, "2020-01-02 03:04:06.1", sealed("to the group", isgroup=1, group=5, dest=number), number)
                for number in (7, 9)
            ])
        yield source
    finally:
        source.drop()


@contextlib.contextmanager
def csv_file(folder):
    (folder / "old").mkdir()
    (folder / "old" / "users.csv").write_text(TABLE, encoding="utf-8", newline="")
    yield SQLiteFile(folder / "old" / "users.csv")


def postgres_source():
    if "PARLEY_TEST_POSTGRES" not in os.environ:
        pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
    return PostgresSource()


SOURCES = {
    "morelia": ("morelia", morelia_file), "morelia on PostgreSQL": ("morelia", morelia_postgres),
    "messenger": ("messenger", messenger_file), "fastchat": ("fastchat", fastchat_postgres), "csv": ("csv", csv_file),
}


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    """What can be imported; it has its `kind`."""
    kind, make = SOURCES[request.param]
    with make(tmp_path) as source:
        source.kind = kind
        yield source


def test_a_trial_and_a_second_run_change_no_row_here_and_no_run_any_there(source, start_server):
    server = start_server()
    server.stop()
    words, before, there = [source.kind, source.source], rows(server), source.contents()

    trial, _ = run_import(server, *words, "--dry-run", stdin=source.stdin)
    assert trial["is_dry_run"] and counts(trial)["accounts"][0] > 0
    assert rows(server) == before

    report, _ = run_import(server, *words, stdin=source.stdin)
    assert counts(report)["accounts"][0] > 0
    imported = rows(server)
    assert imported["users"] != before["users"]

    # What was changed here meanwhile is not changed back.
    login = imported["users"][0][2]
    done = server.manage("user", "update", login, "--bio", "changed here")
    assert done.returncode == 0, done.stderr
    changed = rows(server)
    again, _ = run_import(server, *words, stdin=source.stdin)
    assert all(taken == 0 for taken, _, _ in counts(again).values())
    assert rows(server) == changed
    assert source.contents() == there


def members(server):
    """The logins of the members of each flow, by its title; those of a deleted account are left out."""
    listed = json.loads(server.manage("flow", "list", "--json").stdout)["flows"]
    found = {}
    for flow in listed:
        shown = json.loads(server.manage("flow", "show", str(flow["row"]), "--json").stdout)
        found[flow["title"]] = set(shown["members"])
    return found


@pytest.mark.parametrize("make", [morelia_file, morelia_postgres])
def test_flows_of_morelia_have_the_members_that_they_had(make, start_server, tmp_path):
    server = start_server()
    with make(tmp_path) as source:
        run_import(server, "morelia", source.source, stdin=source.stdin)
    # Nobody is named in 'Everybody': all people see it.
    assert members(server) == {"Team": {"alice"}, "Two": {"alice", "from-the-command-line"}, "Everybody": set()}


def test_groups_of_fastchat_have_the_members_that_they_had(start_server, tmp_path):
    server = start_server()
    with fastchat_postgres(tmp_path) as source:
        run_import(server, "fastchat", source.source, stdin=source.stdin)
    found = members(server)
    assert found["Group 5"] == {"7", "8", "9"} and found["Group 6"] == {"7", "10"}


def test_account_without_a_hash_that_can_be_checked_is_taken_and_named(start_server, tmp_path):
    server = start_server()
    with morelia_file(tmp_path) as source:
        report, status = run_import(server, "morelia", source.source)
    assert status == SKIPPED
    remarks = {remark["item"]: remark["reason"] for remark in report["changed"]}
    assert "manage user set-password" in remarks["user from-the-command-line"]
    assert "user alice" not in remarks

    client = Client(server.url)
    with contextlib.closing(client):
        user = {"login": "from-the-command-line", "password": PASSWORD}
        assert client.request("authentication", {"user": [user]}).code == 401
    done = server.manage(
        "user", "set-password", "from-the-command-line", "--password-stdin", stdin="a new password\n")
    assert done.returncode == 0, done.stderr
    log_in(server, "from-the-command-line", "a new password")[0].close()


@pytest.mark.parametrize("runs", [True, False], ids=["beside a server", "without one"])
@pytest.mark.parametrize("kind, make, last", [
    ("morelia", morelia_postgres, "message"), ("fastchat", fastchat_postgres, "groupmessages"),
])
def test_import_that_is_killed_in_the_middle_goes_on_where_it_was(kind, make, last, runs, start_server, tmp_path):
    server, other = start_server(), start_server()
    if not runs:
        server.stop()
    with make(tmp_path) as source:
        before = rows(server)
        with source.connect() as holder, holder.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {last} IN ACCESS EXCLUSIVE MODE")
            process = subprocess.Popen(
                [BINARY, "import", kind, source.source, "--json", "--config", str(server.config)],
                cwd=server.folder, env=server.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            try:
                process.stdin.write(source.stdin)
                process.stdin.close()
                wait_for_reader(cursor, process, last)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
                process.stderr.close()
        middle = rows(server)
        assert len(middle["users"]) > len(before["users"])

        report, _ = run_import(server, kind, source.source, stdin=source.stdin)
        assert counts(report)["accounts"][:2] == (0, 4)
        assert counts(report)["messages"][0] > 0

        # The same as in one run: accounts, flows and members one by one, and every message once.
        run_import(other, kind, source.source, stdin=source.stdin)
        assert members(server) == members(other)
        assert messages(server) == messages(other)


def messages(server):
    """Who said what where and when, with the copies for each recipient."""
    kept = rows(server)
    said = {
        event[POSITION]: tuple(event[column] for column in (UUID, FLOW, NUMBER, SENDER, TIME, CONTENT))
        for event in kept["events"] if event[NUMBER] is not None
    }
    return sorted(said.values()), sorted((said[row[0]][0], *row[1:]) for row in kept["event_bodies"])


def wait_for_reader(cursor, process, table):
    """Returns when somebody waits to read the table."""
    deadline = time.monotonic() + SECONDS
    while True:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", (table,))
        if cursor.fetchone()[0]:
            return
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
