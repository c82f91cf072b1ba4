# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""503 and 504, as a client sees them: PostgreSQL ends, or hangs while it commits."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import mtp_client
from server_process import PostgresDatabase, Server
from test_refusals import refused

SCRIPT = Path(__file__).resolve().parents[2] / "Scripts" / "postgres"
SECONDS = 120

pytestmark = pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="PARLEY_TEST_POSTGRES is not set")


class PrivatePostgres:
    """A PostgreSQL for one test alone, which may end it and halt it."""

    def __init__(self, folder):
        self.state = folder / "postgres"
        self.uri = self.run([SCRIPT, "start", "--state", self.state]).strip().partition("=")[2]
        self.halted = []
        self.folder = Path((self.state / "folder").read_text(encoding="utf-8").strip())

    @staticmethod
    def run(command):
        return subprocess.run(command, text=True, capture_output=True, timeout=SECONDS, check=True).stdout

    def remove(self):
        # What is halted cannot end.
        self.resume()
        self.run([SCRIPT, "stop", "--state", self.state])

    def processes(self):
        """The numbers of all its processes, the one that starts the others first."""
        first = (self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        return [int(first), *map(int, self.run(["ps", "--ppid", first, "-o", "pid="]).split())]

    def end(self):
        """Ends it at once, as a crash does."""
        os.kill(self.processes()[0], signal.SIGQUIT)

    def halt(self):
        """Halts all its processes: connections stay, and nothing answers."""
        for process in self.processes():
            # One that was asked by a client that has left may end just now.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                self.halted.append(process)

    def resume(self):
        while self.halted:
            os.kill(self.halted.pop(), signal.SIGCONT)


@pytest.fixture
def postgres(tmp_path):
    postgres = PrivatePostgres(tmp_path)
    yield postgres
    postgres.remove()


@pytest.fixture
def parts(postgres, tmp_path):
    """A server, and the database that it has on that PostgreSQL."""
    database = PostgresDatabase(postgres.uri)
    server = Server(tmp_path, database)
    server.prepare_database()
    server.start()
    yield server, database
    server.stop()


def wait_until(is_true):
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_is_done_while_the_storage_is_away(parts, postgres, register):
    server, _ = parts
    alice, bob = register(server, "alice"), register(server, "bob")
    flow = alice.make_flow(bob)
    (message,) = alice.say(flow, "before")

    postgres.end()
    wait_until(lambda: alice.send(flow, "away").code == 503)

    for answer, method in (
        (alice.send(flow, "away"), "send_message"), (alice.edit(message, "away"), "edited_message"),
        (alice.delete_message(flow, message), "delete_message"), (alice.add_flow(users=[bob]), "add_flow"),
        (alice.messages(flow), "all_messages"), (alice.all_flow(), "all_flow"), (alice.updates(), "get_update"),
        (alice.authenticate(), "authentication"), (alice.delete_account(), "delete_user"),
        (alice.client.request("register_user", {"user": [{"login": "away", "password": "x"}]}), "register_user"),
    ):
        refused(answer, method, 503)


def test_what_may_have_been_committed_is_not_said_to_have_failed(parts, postgres, register, monkeypatch):
    monkeypatch.setattr(mtp_client, "TIMEOUT_SECONDS", SECONDS)
    server, database = parts
    alice = register(server, "alice")
    flow = alice.make_flow()

    # From here on COMMIT waits for another server, which does not exist; then nobody answers at all.
    database.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    database.run("SELECT pg_reload_conf()")
    alice.client.send(
        "send_message",
        {"user": [alice.identity], "flow": [{"uuid": flow}], "message": [{"client_id": 1, "text": "during"}]},
    )
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    wait_until(lambda: database.run(waiting).strip() == "1")
    postgres.halt()
    answer = alice.client.answer()
    refused(answer, "send_message", 504)

    # The detail is right: it was committed.
    postgres.resume()
    database.run("ALTER SYSTEM RESET synchronous_standby_names")
    database.run("SELECT pg_reload_conf()")
    wait_until(lambda: (page := alice.messages(flow)).code == 200 and page.texts == ["during"])
