# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What administrators do in the panel and over the API while a server is read-only or in maintenance."""

import json
import re
import urllib.request

import pytest

from panel_client import PanelClient
from server_process import Server

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
    # A server in maintenance is not in the list.
    nodes = get("admin/api/v1/nodes", **credentials)["nodes"]
    assert [node.get("mode") for node in nodes] == ([] if mode == "maintenance" else [mode])
