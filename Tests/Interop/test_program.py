# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The program around the protocol: pages over HTTP, restart, signals, commands beside a running server."""

import json
import re
import signal
import socket
import time
import urllib.error
import urllib.parse
import urllib.request

import pexpect
import pytest
from websockets.exceptions import ConnectionClosed

from mtp_client import TIMEOUT_SECONDS, Client, Person
from server_process import BINARY


def get(url, **headers):
    """Status, content type and text of a page; refusals are pages too."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as page:
            return page.status, page.headers["Content-Type"], page.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Content-Type"], refused.read().decode()


def test_the_home_page_is_for_people(server):
    status, content_type, text = get(server.http_url + "/", Accept="text/html")

    assert status == 200
    assert content_type.startswith("text/html")
    assert "<html" in text and "/ws" in text


def test_the_home_page_is_json_when_asked(server, alice):
    status, content_type, text = get(server.http_url + "/", Accept="application/json")

    assert status == 200
    assert content_type.startswith("application/json")
    page = json.loads(text)
    assert page["version"]
    assert "/ws" in text
    assert alice.auth_id not in text


def test_livez_and_readyz_say_that_all_is_well(server):
    assert get(server.http_url + "/livez")[0] == 200
    status, content_type, text = get(server.http_url + "/readyz")

    assert status == 200
    assert content_type.startswith("application/json")
    assert isinstance(json.loads(text), dict)


def test_an_unknown_page_is_not_found(server):
    assert get(server.http_url + "/no-such-page")[0] == 404


def test_ws_without_an_upgrade_is_refused(server):
    assert get(server.http_url + "/ws")[0] == 426


def test_everything_is_there_after_a_restart(start_server, register):
    server = start_server()
    alice = register(server, "alice")
    flow = alice.make_flow()
    alice.say(flow, "one", "two")
    cursor = alice.cursor()
    server.stop()

    server.start()
    alice.client = Client(server.url)
    alice.say(flow, "three")

    assert alice.messages(flow).texts == ["one", "two", "three"]
    assert alice.updates_since(cursor).texts == ["three"]


def test_every_acknowledged_message_survives_a_kill(start_server, register):
    server = start_server()
    alice = register(server, "alice")
    flow = alice.make_flow()
    texts = [str(number) for number in range(50)]
    assert {answer.code for answer in alice.pipeline(flow, texts)} == {200}
    server.kill()

    server.start()
    alice.client = Client(server.url)

    assert alice.messages(flow, message_start=0, message_end=100).texts == texts


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_connections_and_ends_with_zero(start_server, register, ending):
    server = start_server()
    alice = register(server, "alice")
    process = server.process
    process.send_signal(ending)

    with pytest.raises(ConnectionClosed) as closed:
        alice.client.socket.recv(timeout=TIMEOUT_SECONDS)

    assert closed.value.rcvd.code == 1001
    assert process.wait(10) == 0


def test_logging_out_a_user_acts_at_once_beside_the_running_server(start_server, register):
    server = start_server()
    alice, bob = register(server, "alice"), register(server, "bob")

    done = server.manage("user", "logout", alice.login)

    assert done.returncode == 0, done.stderr
    with pytest.raises(ConnectionClosed):
        alice.client.socket.recv(timeout=TIMEOUT_SECONDS)
    alice.reconnect()
    answer = alice.ping()
    assert answer.code == 401
    assert "revoked" in answer.detail.lower()
    assert alice.authenticate().code == 200
    assert bob.ping().code == 200


def test_an_account_is_erased_after_its_plan_was_shown_and_consented_to(start_server, register):
    server = start_server()
    alice, bob = register(server, "alice"), register(server, "bob")
    group, chat = alice.make_flow(bob), bob.make_flow(alice, bob, type="chat")
    alice.say(group, "one", "two")
    bob.say(group, "three")
    alice.say(chat, "four")
    command = ["user", "delete", alice.login, "--erase"]

    def is_untouched():
        return (bob.messages(group).texts, bob.messages(chat).texts) == (["one", "two", "three"], ["four"])

    def at_a_terminal(answer):
        child = pexpect.spawn(
            BINARY, [*command, "--no-color", "--config", str(server.config)], cwd=str(server.folder),
            env=server.environment, timeout=TIMEOUT_SECONDS, dimensions=(24, 200), encoding="utf-8")
        child.expect_exact(f"Erase {plan}?")
        assert is_untouched() and alice.ping().code == 200
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, child.before

    trial = server.manage(*command, "--dry-run")
    assert trial.returncode == 0, trial
    goes = rf"3 messages \(\d+ bytes\) in 2 flows and the account '{alice.login}' with 1 session and 0 contacts"
    plan = re.fullmatch(rf"Would erase ({goes})\.\n", trial.stdout)[1]
    # Nobody can be asked here.
    refused = server.manage(*command)
    assert refused.returncode == 64 and plan in refused.stderr and "--yes" in refused.stderr, refused
    status, shown = at_a_terminal("n")
    assert status == 1 and "nothing was changed" in shown, shown
    assert is_untouched() and alice.ping().code == 200

    status, shown = at_a_terminal("y")

    assert status == 0 and f"Erased {plan}." in shown, shown
    deleted = "Message deleted"
    assert bob.messages(group).texts == [deleted, deleted, "three"]
    assert bob.messages(chat).texts == [deleted]
    assert server.manage("message", "search", "four", "--quiet").stdout.count(alice.login) == 0
    assert server.manage(*command, "--dry-run").returncode == 6
    alice.reconnect()
    assert alice.authenticate().code == 404


@pytest.mark.parametrize("command, status, words", [
    (["user", "create", "--login", "ALICE"], 7, "A user with login 'ALICE' exists already."),
    (["user", "delete", "nobody"], 6, "No user with login 'nobody'."),
    (["user", "delete", "nobody", "--erase"], 6, "No user with login 'nobody'."),
    (["user", "set-password", "nobody"], 6, "No user with login 'nobody'."),
    (["superuser-create", "--username", "admin"], 7, "'admin'"),
    (["superuser", "delete", "nobody"], 6, "'nobody'"),
    (["flow", "delete", "nothing"], 6, "There is no flow 'nothing'."),
    (["message", "delete", "12345"], 6, "No message with uuid 12345."),
    (["token", "revoke", "nothing"], 6, "'nothing'"),
])
def test_what_cannot_be_done_is_said_before_a_question(server, command, status, words):
    """At a terminal, where a password or consent would be asked for."""
    if command[:2] == ["user", "create"]:
        made = server.manage(*command[:3], "alice", "--password-stdin", stdin="a password\n")
        assert made.returncode in (0, 7), made.stderr
    if command[0] == "superuser-create":
        made = server.manage(*command, "--password-stdin", stdin="a password\n")
        assert made.returncode in (0, 7), made.stderr
    child = pexpect.spawn(
        BINARY, [*command, "--no-color", "--config", str(server.config)], cwd=str(server.folder),
        env=server.environment, timeout=TIMEOUT_SECONDS, dimensions=(24, 200), encoding="utf-8")

    # A question would wait for an answer.
    child.expect(pexpect.EOF)
    child.close()

    assert (child.exitstatus, words in child.before) == (status, True), child.before
    assert "?" not in child.before and "assword" not in child.before, child.before


def test_ending_a_watch_is_no_failure_in_the_log(start_server):
    """Ctrl-C of 'manage tail' was logged as an operation that failed."""
    server = start_server(LOGGING_LEVEL="debug")
    parameters = {
        "after": 1_000_000, "last": 0, "limit": 10, "wait": 30_000, "shows_text": False, "principal": "a test"}
    request = json.dumps({"operation": "log.read", "parameters": parameters}).encode() + b"\n"

    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not re.search("Operation failed|The watching of an operation ended", log := server.last_words()):
        assert time.monotonic() < deadline, log
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.folder / "run" / "admin.sock"))
            client.sendall(request)
            # What ends before it has begun is no watch: nothing is answered, and by then it has.
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)

    assert "Operation failed" not in log


def test_the_health_check_of_the_program_passes_beside_the_running_server(start_server):
    server = start_server()

    # The system chose the port, which the settings do not tell.
    server.environment["PARLEY_SERVER_PORT"] = str(urllib.parse.urlsplit(server.url).port)
    before = server.manage("db", "status", "--json").stdout
    done = server.manage("testclient", "send")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["errors"]["code"] == 200
    counts = json.loads(server.manage("db", "status", "--json").stdout)["counts"]
    assert {name: counts[name] for name in ("users", "flows", "messages")} == {"users": 0, "flows": 0, "messages": 0}
    assert json.loads(before)["counts"]["messages"] == 0


def test_a_second_server_on_the_same_database_is_refused(start_server):
    server = start_server()

    done = server.manage("runserver")

    assert done.returncode not in (0, 1)
    assert done.stderr.strip()


def test_a_slow_start_of_a_frame_does_not_hold_up_others(start_server):
    server = start_server()
    slow = Client(server.url)
    slow.socket.socket.sendall(b"\x81\xfe\x10\x00")

    alice = Person(server, "alice", "x")

    assert alice.ping().code == 200
    alice.client.close()
    slow.socket.socket.close()
