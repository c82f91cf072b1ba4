# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""A client of the HTTP API for administrators, and what it needs."""

import json
import urllib.error
import urllib.request

PASSWORD = "a long password\n"


def make_administrator(server):
    """The administrator `admin`, with an account of that login."""
    made = server.manage("superuser-create", "--username", "admin", "--password-stdin", stdin=PASSWORD)
    assert made.returncode == 0, made.stderr


def token_of(server, name, scope):
    """A new token of the administrator."""
    done = server.manage(
        "token", "create", name, "--superuser", "admin", "--scope", scope, "--expires", "1h", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["secret"]


def remote_options(server, name, scope="write"):
    """What lets a command work on the server through its HTTP API, with a new token in a file of that name."""
    file = server.folder / f"{name}.token"
    file.write_text(token_of(server, name, scope) + "\n")
    file.chmod(0o600)
    return ["--server", server.http_url, "--token-file", str(file)]


def ask(server, method, path, body=None, token=None, accept=None, headers=None):
    """Sends a request; returns status, headers and the decoded body. The server object has its `tokens`."""
    request = urllib.request.Request(
        f"{server.http_url}/admin/api/v1{path}", method=method,
        data=None if body is None else json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {token or server.tokens['write']}")
    request.add_header("Content-Type", "application/json")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    if accept:
        request.add_header("Accept", accept)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, headers, text = answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, headers, text = error.code, error.headers, error.read().decode()
    return status, headers, json.loads(text) if "json" in headers["Content-Type"] else text
