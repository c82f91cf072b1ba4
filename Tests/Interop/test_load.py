# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The load generator: what it says is what the server counts."""

import json
import re
import signal
import subprocess
import urllib.request

import pytest

from server_process import BINARY
from test_metrics import metrics_url


def counted(server, protocol):
    """The messages that came over a protocol, as the server counts them."""
    with urllib.request.urlopen(metrics_url(server), timeout=30) as answer:
        text = answer.read().decode()
    return int(float(re.search(rf'^parley_messages_total{{protocol="{protocol}"}} (\S+)$', text, re.M)[1]))


def load(server, *words):
    return server.manage("testclient", "load", "--connections", "3", "--rate", "10", "--duration", "2", *words)


def begun_load(server, *words):
    """The process of a load over MTP of which the server has counted a message."""
    before = counted(server, "mtp")
    process = subprocess.Popen(
        [BINARY, "testclient", "load", *words, "--config", str(server.config)],
        cwd=server.folder, env=server.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    while counted(server, "mtp") == before:
        assert process.poll() is None, process.stderr.read()
    return process


def is_empty(server):
    return all("[]" in server.manage(kind, "list", "--json").stdout for kind in ("user", "flow"))


@pytest.mark.parametrize("protocol", ["mtp", "skaro", "messenger", "fastchat"])
def test_figures_are_those_of_the_server(start_server, protocol):
    server = start_server()

    done = load(server, "--protocol", protocol, "--json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["sent"] == report["acknowledged"] == report["delivered"] == counted(server, protocol)
    assert 19 <= report["sent"] + report["late"] <= 21
    assert report["refused"] == {}
    for times in (report["acknowledgement"], report["delivery"]):
        assert 0 < times["p50_ms"] <= times["p95_ms"] <= times["p99_ms"] <= times["max_ms"]
    assert is_empty(server)


@pytest.mark.parametrize(("protocol", "reason"), [
    ("mtp", "429"), ("skaro", "429"), ("messenger", "refused"), ("fastchat", "refused")])
def test_refusals_are_counted_with_their_reason(start_server, protocol, reason):
    # The chat with a person is a write, too.
    server = start_server(RATE_LIMIT_WRITES="1/h burst 3")

    done = load(server, "--protocol", protocol, "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 5
    assert set(report["refused"]) == {reason} and report["refused"][reason] > 0
    assert report["acknowledged"] + report["refused"][reason] == report["sent"]
    assert report["delivered"] == report["acknowledged"] == counted(server, protocol)


def test_text_says_the_same_and_interruption_leaves_nobody(start_server):
    server = start_server()
    assert "Until acknowledged" in load(server).stdout

    process = begun_load(server, "--duration", "600")
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 130, process.stderr.read()
    assert is_empty(server)


@pytest.mark.parametrize(("protocol", "name"), [
    ("mtp", "MTP"), ("skaro", "skaro"), ("messenger", "messenger"), ("fastchat", "FastChat")])
def test_users_are_removed_from_the_server_that_is_named(start_server, protocol, name):
    server = start_server()

    done = load(server, "--protocol", protocol, "-a", server.addresses[name])

    assert done.returncode == 0, done.stderr
    assert is_empty(server)


def test_fastchat_is_reached_with_and_without_its_balancer(start_server):
    server = start_server(BALANCER_LISTEN="127.0.0.1:0")

    for name in ("FastChat", "Balancer"):
        done = load(server, "--protocol", "fastchat", "-a", server.addresses[name])
        assert done.returncode == 0, done.stderr
        assert is_empty(server)


def test_users_that_could_not_be_removed_are_named(start_server):
    server = start_server()
    process = begun_load(server, "--duration", "5", "--connections", "2")
    # Commands do not find the server any more, and it has the database.
    (server.folder / "run" / "admin.sock").unlink()
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 5, errors
    assert "2 users could not be removed" in errors
    server.stop()
    server.start()
    users = json.loads(server.manage("user", "list", "--json").stdout)["users"]
    assert len(users) == 2 and all(user["login"] in errors for user in users)


@pytest.mark.parametrize("is_named", [False, True])
def test_users_of_a_server_that_died_are_named(start_server, is_named):
    server = start_server()
    address = ["-a", server.url] if is_named else []

    process = begun_load(server, "--connections", "3", "--duration", "600", *address)
    server.kill()
    # Without a connection nothing more is to be sent.
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 5, output + errors
    assert "3 users could not be removed" in errors
    assert server.manage("user", "list", "--json").stdout.count('"login"') == 3


def test_users_stay_on_a_server_that_is_not_of_the_settings(start_server):
    server, other = start_server(), start_server()

    done = load(server, "-a", other.url)

    assert done.returncode == 0, done.stderr
    assert "3 users stay" in done.stderr
    assert other.manage("user", "list", "--json").stdout.count('"login"') == 3


def test_another_machine_is_asked_about_and_no_server_is_said(start_server):
    server = start_server()
    refused = server.manage("testclient", "load", "-a", "ws://192.0.2.1:1/ws")
    assert refused.returncode == 64 and "--yes" in refused.stderr

    assert server.manage("testclient", "load", "--connections", "1").returncode == 64
    server.stop()
    gone = server.manage("testclient", "load", "-a", "ws://127.0.0.1:1/ws", "--duration", "1")
    assert gone.returncode == 69, gone.stderr
