# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Every place that tells an administrator how many connections there are tells the same."""

import contextlib
import json
import re
import socket
import urllib.request

from admin_client import ask
from mtp_client import Client
from panel_client import EventStream
from parties import PROTOCOLS, new_keys
from skaro_person import skaro_url
from test_metrics import metrics_url
from test_panel_sessions import make, panel_of, wait_until


def scrape(server):
    """Logged-in connections by protocol, and all that are open, as /metrics has them."""
    with urllib.request.urlopen(metrics_url(server), timeout=30) as answer:
        text = answer.read().decode()
    found = re.findall(r'^parley_connections{protocol="(\w+)"} (\S+)$', text, re.M)
    everything = re.search(r"^parley_open_connections (\S+)$", text, re.M)[1]
    return {name: int(float(count)) for name, count in found}, int(float(everything))


def listed(server):
    """The open connections of the last heartbeat, as `node list` has them; it asks without an HTTP connection."""
    done = server.manage("node", "list", "--json")
    assert done.returncode == 0, done.stderr
    [node] = json.loads(done.stdout)["nodes"]
    return node["clients"]


def test_logged_in_and_open_connections_are_counted_alike_everywhere(start_server):
    server = start_server(CLUSTER_NODE="the-only-one", BALANCER_LISTEN="127.0.0.1:0", SERVER_LIMIT_LOGIN_TIMEOUT="1h")
    make(server, "anna")
    anna = panel_of(server)
    done = server.manage("token", "create", "script", "--superuser", "anna", "--scope", "read", "--json")
    assert done.returncode == 0, done.stderr
    token = json.loads(done.stdout)["secret"]
    keys = new_keys()

    def check(logged_in, extra):
        """What is logged in, by protocol, and how many connections are open beside that."""
        count, everything = sum(logged_in.values()), sum(logged_in.values()) + extra
        wait_until(lambda: scrape(server) == (logged_in, everything))
        wait_until(lambda: listed(server) == everything)

        done = server.manage("top", "--once", "--interval", "0.1", "--json")
        assert done.returncode == 0, done.stderr
        load = json.loads(done.stdout)
        assert (load["connections"], load["connected"]) == (logged_in, count)
        assert ask(server, "GET", "/server", token=token)[2]["connections"] == logged_in
        overview = anna.get("/admin").text
        assert f'Logged-in connections</h2>\n<p class="number">{count}</p>' in overview
        for name, number in logged_in.items():
            assert f"<div><dt>{name}</dt><dd>{number}</dd></div>" in overview

        # A heartbeat in the middle of one of these requests counts the request's own connection.
        wait_until(lambda: ask(server, "GET", "/nodes", token=token)[2]["nodes"][0]["clients"] == everything)
        wait_until(lambda: f"open connections: {everything}, since" in anna.get("/admin").text)
        wait_until(lambda: f"<dt>Open connections</dt><dd>{everything}</dd>" in anna.get("/admin/nodes").text)
        # The line of `top` and the column of `node list`.
        assert re.search(rf"^Connections +{count}\b", server.manage("top", "--once", "--interval", "0.1").stdout, re.M)
        table = server.manage("node", "list").stdout.splitlines()
        assert table[0].split()[:4] == ["NODE", "NAME", "STATUS", "CONNECTIONS"]

    with contextlib.ExitStack() as exits:
        people = [kind(server, keys) for kind in PROTOCOLS.values()]
        for person in people:
            person.arrive()
            exits.callback(person.leave)
        # A page of the panel that stays open, and a client of each protocol that has not logged in.
        watch = anna.get("/admin/log").text.split("watch=")[1].split('"')[0]
        stream = EventStream(anna, f"/admin/log/events?watch={watch}")
        exits.callback(stream.close)
        assert stream.headers["Content-Type"] == "text/event-stream"
        for url in (server.url, skaro_url(server)):
            exits.callback(Client(url).close)
        for name in ("messenger", "FastChat"):
            exits.enter_context(socket.create_connection(server.place_of(name)))
        logged_in = dict.fromkeys(PROTOCOLS, 1)
        check(logged_in, extra=5)

        # The last one goes.
        people[-1].leave()
        del logged_in[people[-1].protocol]
        check(logged_in, extra=5)
    wait_until(lambda: scrape(server) == ({}, 0))
