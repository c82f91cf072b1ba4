# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The HTTP API for administrators, as programs that are not ours see it: schemathesis, curl, and the documents."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from admin_client import ask, make_administrator, token_of
from server_process import Server

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "admin-api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ST = str(Path(sys.executable).with_name("st"))
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "allow_header_conformance",
]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """A server with an administrator, a user and a flow; its tokens by their scope."""
    server = Server(tmp_path_factory.mktemp("api"))
    server.start()
    try:
        make_administrator(server)
        for words in (["user", "create", "--login", "alice", "--password-stdin"], ["flow", "seed", "--messages", "3"]):
            done = server.manage(*words, stdin="a long password\n")
            assert done.returncode == 0, done.stderr
        server.tokens = {scope: token_of(server, f"{scope}er", scope) for scope in ("read", "write")}
        yield server
    finally:
        server.stop()


@pytest.mark.timeout(900)
def test_schemathesis_finds_nothing(api, tmp_path):
    report = tmp_path / "report.har"
    # The token goes through a file, as any secret; a seed of 0 repeats every run exactly.
    (tmp_path / "schemathesis.toml").write_text(
        f'[headers]\nAuthorization = "Bearer {api.tokens["write"]}"\n', encoding="utf-8")

    done = subprocess.run(
        [ST, "run", f"{api.http_url}/admin/api/v1/openapi.json", "--phases", "coverage,fuzzing", "--max-examples", "3",
         "--seed", "0", "--checks", ",".join(CHECKS), "--suppress-health-check", "all", "--no-color",
         "--warnings", "off",
         # A billion accounts are allowed; waiting for the log is what a request for it may ask for.
         "--exclude-path", "/seed", "--exclude-path", "/log", "--report", "har", "--report-har-path", str(report)],
        cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    entries = json.loads(report.read_text(encoding="utf-8"))["log"]["entries"]
    statuses = {entry["response"]["status"] for entry in entries}
    assert len(entries) > 500
    # It was let in and was refused what does not fit.
    assert {200, 404, 422} <= statuses
    account = {"login": "made", "username": "Made", "password": "a long password"}
    assert ask(api, "POST", "/users", account)[0] == 201
    status, _, server = ask(api, "GET", "/server", token=api.tokens["read"])
    assert status == 200 and server["uptime_ms"] > 0


def test_a_token_that_reads_is_refused_what_changes_something(api):
    status, headers, problem = ask(api, "PATCH", "/users/alice", {"bio": "x"}, token=api.tokens["read"])

    assert status == 403
    assert 'error="insufficient_scope"' in headers["WWW-Authenticate"]
    assert problem["type"] == "urn:parley:problem:insufficient_scope"
    assert ask(api, "GET", "/users/alice", token=api.tokens["read"])[2]["user"]["bio"] == ""


def test_a_revoked_token_is_out_at_once(api):
    token = token_of(api, "short", "read")
    before = ask(api, "GET", "/users", token=token)[0]
    revoked = api.manage("token", "revoke", "short")

    assert revoked.returncode == 0, revoked.stderr
    assert before == 200
    assert ask(api, "GET", "/users", token=token)[0] == 401


def test_a_revoked_token_follows_no_jobs(api):
    request = urllib.request.Request(
        f"{api.http_url}/admin/api/v1/jobs",
        headers={"Authorization": f"Bearer {token_of(api, 'follower', 'read')}", "Accept": "text/event-stream"})

    with urllib.request.urlopen(request, timeout=60) as answer:
        assert api.manage("token", "revoke", "follower").returncode == 0
        job = ask(api, "POST", "/seed", {"users": 1, "messages": 1})[2]

        assert job["id"] not in answer.read().decode()


@pytest.mark.parametrize("body, is_for_ever", [({}, False), ({"seconds": 60}, False), ({"seconds": 0}, True)])
def test_an_invitation_ends_unless_it_is_asked_not_to(api, body, is_for_ever):
    status, _, made = ask(api, "POST", "/invites", body, token=api.tokens["write"])
    assert status == 200
    assert (made["invite"]["expires"] is None) == is_for_ever


def test_a_job_is_followed_by_events(api):
    status, headers, job = ask(api, "POST", "/seed", {"users": 2, "messages": 4})
    path = headers["Location"].removeprefix("/admin/api/v1")

    events = ask(api, "GET", path, accept="text/event-stream")[2]

    assert status == 202 and job["state"] == "running"
    jobs = [json.loads(line.removeprefix("data: ")) for line in events.splitlines() if line.startswith("data: ")]
    assert jobs[-1]["state"] == "done"
    assert jobs[-1]["result"]["messages"] == 4
    assert ask(api, "GET", path)[2] == jobs[-1]


def test_other_machines_are_served_over_tls_only(start_server):
    server = start_server(SERVER_TRUSTED_PROXIES="127.0.0.1")
    make_administrator(server)
    token = token_of(server, "reader", "read")

    def status(**headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(server, "GET", "/users", token=token, headers=headers)[0]

    assert status(X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="https") == 200
    assert status(X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="http") == 403
    assert status(X_Forwarded_For="192.0.2.1") == 403
    assert status() == 200


def test_the_api_is_switched_off(start_server):
    server = start_server(ADMIN_API="off")

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{server.http_url}/admin/api/v1/openapi.json", timeout=60)

    assert refusal.value.code == 404


def test_the_server_ends_while_events_are_followed(api, tmp_path):
    server = Server(tmp_path, DATABASE_URI=f"sqlite:{tmp_path / 'chat.db'}")
    server.start()
    make_administrator(server)
    request = urllib.request.Request(
        f"{server.http_url}/admin/api/v1/jobs",
        headers={"Authorization": f"Bearer {token_of(server, 'reader', 'read')}", "Accept": "text/event-stream"})

    with urllib.request.urlopen(request, timeout=60) as answer:
        server.stop()

        assert answer.read() == b""


@pytest.mark.parametrize("block", BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")))
def test_an_example_of_the_document_does_what_it_says(api, block):
    words = {"SERVER": api.http_url, "TOKEN": api.tokens["write"]}
    # Each example can be run alone: what those before it made is there.
    ask(api, "POST", "/users", {"login": "carol", "username": "Carol", "password": "a long password"})
    if '"login": "carol"' in block:
        ask(api, "DELETE", "/users/carol?confirm=carol")
    commands = [command for command in re.split(r"(?<!\\)\n", block.strip())]

    for command in commands:
        done = subprocess.run(
            ["/bin/bash", "-c", command.replace("curl -s", "curl -s --fail-with-body")], env=os.environ | words,
            capture_output=True, text=True, timeout=60, check=False)

        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize("method, path, body, token, status", [
    ("GET", "/users", None, "read", 200),
    ("GET", "/openapi.json", None, "read", 200),
    ("GET", "/users/nobody-at-all", None, "read", 404),
    ("GET", "/users", None, "wrong", 401),
    ("PATCH", "/users/alice", {"bio": "x"}, "read", 403),
    ("POST", "/users", {"login": ""}, "write", 422),
    ("GET", "/nowhere", None, "read", 404),
    ("DELETE", "/openapi.json", None, "write", 405),
])
def test_answers_are_kept_nowhere_and_guessed_by_no_browser(api, method, path, body, token, status):
    answered, headers, _ = ask(api, method, path, body, token=api.tokens.get(token, token))
    assert answered == status
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
