# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What administrators do in the panel and over the API while a server is read-only or in maintenance."""

import contextlib
import json
import os
import re
import urllib.request

import pytest

from panel_client import PanelClient
from server_process import PostgresDatabase, Server
from test_panel_sessions import make, panel_of

PASSWORD = "a long enough secret"


@pytest.fixture(params=["read-only", "maintenance"])
def restricted(request, tmp_path):
    """A server in a mode, and an administrator who is logged in to its panel."""
    server = Server(tmp_path)
    server.start(f"--{request.param}")
    try:
        done = server.manage(
            "superuser-create", "--username", "anna", "--login", "anna", "--password-stdin", stdin=PASSWORD + "\n")
        assert done.returncode == 0, done.stderr
        panel = PanelClient(server.addresses["Home page"])
        assert panel.log_in("anna", PASSWORD).location == "/admin"
        yield request.param, server, panel
    finally:
        server.stop()


def test_forms_of_the_panel_work(restricted):
    mode, server, anna = restricted
    for path in ("/admin", "/admin/live"):
        assert f'<strong class="tag warn">{mode}</strong>' in anna.get(path).text, path

    anna.get("/admin/users/new")
    made = anna.post("/admin/users/new", {"login": "berta", "password": "secret word"})
    assert made.status == 303 and made.location.startswith("/admin/users/show?login=berta")
    assert server.manage("user", "show", "berta").returncode == 0

    anna.get("/admin/flows/new")
    made = anna.post("/admin/flows/new", {"owner": "berta", "type": "group", "title": "Garden", "members": "anna"})
    assert made.status == 303
    flow = re.search(r"flow=(\d+)", made.location)[1]
    assert "It disappears for its members at once" in anna.get(f"/admin/flows/delete?flow={flow}").text
    assert anna.post("/admin/flows/delete", {"flow": flow}).location == "/admin/flows?done=deleted"
    assert server.manage("flow", "show", "Garden").returncode == 6

    assert "Change SERVER.NAME" in anna.get("/admin/settings").text
    changed = anna.post("/admin/settings/change", {"key": "SERVER.NAME", "value": "Half done"})
    assert changed.location == "/admin/settings?done=applied"
    assert "Half done" in server.config.read_text(encoding="utf-8")

    records = json.loads(server.manage("audit", "list", "--json").stdout)["records"]
    assert {"user.create", "flow.create", "flow.delete", "config.set"} <= {record["what"] for record in records}


def test_api_tells_the_mode(restricted):
    mode, server, _ = restricted
    made = server.manage("token", "create", "script", "--superuser", "anna", "--scope", "read", "--json")
    assert made.returncode == 0, made.stderr
    home = server.addresses["Home page"]

    def get(path, **headers):
        with urllib.request.urlopen(urllib.request.Request(home + path, headers=headers), timeout=60) as answer:
            return json.load(answer)

    credentials = {"Authorization": f"Bearer {json.loads(made.stdout)['secret']}"}
    assert get("admin/api/v1/server", **credentials)["mode"] == mode
    assert get("", Accept="application/json")["server"]["mode"] == mode
    assert [node["mode"] for node in get("admin/api/v1/nodes", **credentials)["nodes"]] == [mode]


@pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="PARLEY_TEST_POSTGRES is not set")
def test_each_server_of_a_cluster_tells_the_mode_of_the_others(tmp_path):
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    with contextlib.ExitStack() as exits:
        exits.callback(database.drop)
        servers = {}
        for name, options in (("closed", ["--maintenance"]), ("reading", ["--read-only"]), ("open", [])):
            folder = tmp_path / name
            folder.mkdir()
            servers[name] = Server(
                folder, database, CLUSTER_NODE=name, SECRETS_KEY_FILE=str(tmp_path / "secret.key"))
            if len(servers) == 1:
                servers[name].prepare_database()
            servers[name].start(*options)
            exits.callback(servers[name].stop)

        modes = {"closed": "maintenance", "reading": "read-only", "open": "normal"}
        for server in servers.values():
            done = server.manage("node", "list", "--json")
            assert done.returncode == 0, done.stderr
            assert {node["name"]: node["mode"] for node in json.loads(done.stdout)["nodes"]} == modes
        table = [line.split() for line in servers["open"].manage("node", "list").stdout.splitlines()]
        status = {cells[1]: cells[2] for cells in table if len(cells) > 3}
        assert {name: status[name] for name in servers} == modes | {"open": "serving"}
        checked = servers["open"].manage("doctor", "--no-color").stdout
        assert "3 servers are running, 1 read-only, 1 in maintenance." in checked

        make(servers["open"], "anna")
        anna = panel_of(servers["open"])
        for path in ("/admin", "/admin/nodes"):
            page = anna.get(path).text
            for name in ("closed", "reading"):
                assert re.search(rf'{name}(</a>)? <span class="tag warn">{modes[name]}</span>', page), (path, page)
            assert re.search('open(</a>)? <span class="tag( good)?">serving</span>', page), (path, page)

        # No client is sent to the one in maintenance, by whichever server.
        for server in servers.values():
            named = set()
            for _ in range(6):
                with urllib.request.urlopen(server.addresses["Home page"] + "balance", timeout=60) as answer:
                    named.add(json.load(answer)["node"])
            assert named == {"reading", "open"}, server.folder
