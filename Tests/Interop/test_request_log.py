# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The line of the log that each request has, and who is shown it."""

import json
import queue
import re
import subprocess
import threading

import pytest

import mtp_client
from parties import PASSWORD, PROTOCOLS, new_keys
from server_process import BINARY

TEXT = "a text that nobody logs"
WRONG = "a password that is wrong"
TIMEOUT_SECONDS = 30
# What each protocol calls a message.
SENDS = {"mtp": "send_message", "skaro": "send_message", "messenger": "send", "fastchat": "message"}
STATUS = {"mtp": "200", "skaro": "200", "messenger": "ok", "fastchat": "ok"}


class Tail:
    """`manage log tail --follow --json`, read as it writes."""

    def __init__(self, server, *words):
        self.process = subprocess.Popen(
            [BINARY, "log", "tail", "--follow", "--json", "--last", "0", *words, "--config", str(server.config)],
            cwd=server.folder, env=server.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        self.seen = []
        self.lines = queue.Queue()
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def until(self, wanted):
        """What came up to a record that is wanted."""
        while True:
            record = self.lines.get(timeout=TIMEOUT_SECONDS)
            self.seen.append(record)
            if wanted(record):
                return record

    def close(self):
        self.process.terminate()
        self.process.wait(TIMEOUT_SECONDS)
        self.process.stdout.close()


@pytest.fixture
def tail():
    tails = []

    def start(server, *words):
        tails.append(Tail(server, *words))
        return tails[-1]

    yield start
    for one in tails:
        one.close()


def is_watching(server, tail, ask):
    """Returns when the tail has seen what `ask` makes the server log."""
    first = None
    while first is None:
        ask()
        try:
            first = tail.lines.get(timeout=0.2)
        except queue.Empty:
            continue
    tail.seen.append(first)


def told(record):
    return record["metadata"] if record["module"] == "Transport.RequestLog" else {}


def row_of(server, login):
    done = server.manage("user", "show", login, "--json")
    return str(json.loads(done.stdout)["user"]["row"])


def test_each_protocol_has_a_line_for_a_request_and_for_a_refusal(start_server, tail):
    server = start_server(BALANCER_LISTEN="127.0.0.1:0")
    keys = new_keys()
    reader = PROTOCOLS["mtp"](server, keys)
    watch = tail(server, "--level", "debug", "--module", "Transport.RequestLog")
    stranger = mtp_client.Client(server.url)
    is_watching(server, watch, lambda: stranger.request("ping_pong", {"user": []}))
    for protocol, party in PROTOCOLS.items():
        person = party(server, keys)
        person.arrive()
        person.write(reader, TEXT)

        record = watch.until(lambda record: told(record).get("command") == SENDS[protocol]
                             and told(record)["protocol"] == protocol)

        person.leave()
        line = told(record)
        assert record["level"] == "DEBUG" and record["message"] == "Request answered"
        assert (line["outcome"], line["status"]) == ("ok", STATUS[protocol])
        assert line["address"] == "127.0.0.1"
        assert re.fullmatch(r"\d+\.\d{3}", line["ms"])
        assert line["chat.connection.id"].isdigit() and line["chat.user.id"].isdigit()

    answer = stranger.request("authentication", {"user": [{"login": reader.login, "password": WRONG}]})
    assert answer.code == 401
    line = told(watch.until(lambda record: told(record).get("status") == "401"
                            and told(record)["command"] == "authentication"))
    stranger.close()
    assert line["outcome"] == "refused" and "chat.user.id" not in line

    refused = PROTOCOLS["messenger"](server, keys)
    refused.arrive()
    refused.client.send("nobody of that name", TEXT)
    line = told(watch.until(lambda record: told(record).get("command") == "send"
                            and told(record)["outcome"] == "refused"))
    refused.leave()
    assert line["status"] == "refused"

    shown = json.dumps(watch.seen)
    for secret in (TEXT, WRONG, PASSWORD, reader.person.auth_id):
        assert secret not in shown
    # The server's own log is as quiet as before.
    assert "Request answered" not in server.last_words()


def test_tail_of_a_user_or_connection_shows_nobody_else(start_server, tail, register):
    server = start_server()
    alice, bob = register(server, "alice"), register(server, "bob")
    watch = tail(server, "--user", alice.login)

    def ask():
        bob.ask("ping_pong", {})
        alice.ask("ping_pong", {})

    is_watching(server, watch, ask)
    bob.ask("all_flow", {})
    alice.ask("all_flow", {})
    line = told(watch.until(lambda record: told(record).get("command") == "all_flow"))

    assert {told(record)["chat.user.id"] for record in watch.seen} == {row_of(server, alice.login)}

    other = tail(server, "--connection", line["chat.connection.id"])
    is_watching(server, other, ask)
    assert {told(record)["chat.connection.id"] for record in other.seen} == {line["chat.connection.id"]}

    missing = server.manage("log", "tail", "--user", "nobody")
    assert missing.returncode == 6 and "nobody" in missing.stderr


def test_level_of_the_module_switches_the_lines_on_and_off(start_server, register):
    server = start_server()
    alice = register(server, "alice")
    assert server.manage("log", "level", "Transport.RequestLog", "debug").returncode == 0
    alice.ask("all_flow", {})
    assert server.manage("log", "level", "Transport.RequestLog", "default").returncode == 0
    alice.ask("ping_pong", {})
    server.stop()

    words = (server.folder / "stderr.txt").read_text(encoding="utf-8")
    assert "command=all_flow" in words and "command=ping_pong" not in words
