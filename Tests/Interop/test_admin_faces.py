# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Each operation that changes something, through the command line, the admin socket, the HTTP API, and the command line
with another machine's server: the same effect, the same record, and the same words when it is refused."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Callable

import pytest

from admin_client import PASSWORD, ask, make_administrator, remote_options, token_of
from server_process import Server

_numbers = itertools.count(1)


@dataclass
class Change:
    """One operation. Words in braces are names of the test's own: {user}, {flow} and so on; {none} is nobody."""

    operation: str
    # The command and the request that make the change, and those that are refused.
    command: list
    request: tuple
    wrong_command: list
    wrong_request: tuple
    # Words of the error and of its next step.
    refusal: str
    # Whether it happened, from what the world's `json` tells.
    effect: Callable
    needs: tuple = field(default=("user",))


def user(world, names):
    return world.json("user", "show", names["user"])


def has_user(world, login):
    return any(found["login"] == login for found in world.json("user", "list")["users"])


def members(world, names):
    return world.json("flow", "show", names["flow"])["members"]


NO_USER = "No user with login '{none}'. List logins with 'manage user list'."
NO_FLOW = "There is no flow '{none}'. List flows with 'manage flow list'."
SECRET = ["--password-stdin"]

CHANGES = [
    Change(
        "user.create", ["user", "create", "--login", "{new}", *SECRET],
        ("POST", "/users", {"login": "{new}", "username": "{new}", "password": "secret"}),
        ["user", "create", "--login", "{user}", *SECRET],
        ("POST", "/users", {"login": "{user}", "username": "x", "password": "secret"}),
        "A user with login '{user}' exists already. List logins with 'manage user list'.",
        lambda world, names: has_user(world, names["new"])),
    Change(
        "user.update", ["user", "update", "{user}", "--bio", "Hello"], ("PATCH", "/users/{user}", {"bio": "Hello"}),
        ["user", "update", "{none}", "--bio", "Hello"], ("PATCH", "/users/{none}", {"bio": "Hello"}), NO_USER,
        lambda world, names: find(user(world, names), "bio") == "Hello"),
    Change(
        "user.set_password", ["user", "set-password", "{user}", *SECRET],
        ("PUT", "/users/{user}/password", {"password": "secret"}), ["user", "set-password", "{none}", *SECRET],
        ("PUT", "/users/{none}/password", {"password": "secret"}), NO_USER,
        # The password is in no report; that it was recorded is looked at for every operation.
        lambda world, names: has_user(world, names["user"])),
    Change(
        "user.logout", ["user", "logout", "{user}"], ("DELETE", "/users/{user}/sessions", None),
        ["user", "logout", "{none}"], ("DELETE", "/users/{none}/sessions", None), NO_USER,
        lambda world, names: not world.json("user", "sessions", names["user"])["sessions"]),
    Change(
        "user.limits", ["user", "limits", "{user}", "--writes", "off"],
        ("PATCH", "/users/{user}/limits", {"changes": {"write": "off"}}),
        ["user", "limits", "{none}", "--writes", "off"],
        ("PATCH", "/users/{none}/limits", {"changes": {"write": "off"}}), NO_USER,
        lambda world, names: world.json("user", "limits", names["user"])["limits"] == {"write": "off"}),
    Change(
        "user.delete", ["user", "delete", "{user}", "--yes"], ("DELETE", "/users/{user}?confirm={user}", None),
        ["user", "delete", "{none}", "--yes"], ("DELETE", "/users/{none}?confirm={none}", None), NO_USER,
        lambda world, names: not has_user(world, names["user"])),
    Change(
        "flow.create", ["flow", "create", "--login", "{user}", "--type", "group", "--title", "{new}"],
        ("POST", "/flows", {"owner": "{user}", "type": "group", "title": "{new}"}),
        ["flow", "create", "--login", "{none}", "--type", "group", "--title", "{new}"],
        ("POST", "/flows", {"owner": "{none}", "type": "group", "title": "{new}"}), NO_USER,
        lambda world, names: len(world.json("flow", "list", "--title", names["new"])["flows"]) == 1),
    Change(
        "flow.update", ["flow", "update", "{flow}", "--info", "News"], ("PATCH", "/flows/{flow}", {"info": "News"}),
        ["flow", "update", "{none}", "--info", "News"], ("PATCH", "/flows/{none}", {"info": "News"}), NO_FLOW,
        lambda world, names: find(world.json("flow", "show", names["flow"]), "info") == "News", ("user", "flow")),
    Change(
        "flow.add_member", ["flow", "add-member", "{flow}", "{other}"],
        ("PUT", "/flows/{flow}/members/{other}", None), ["flow", "add-member", "{flow}", "{none}"],
        ("PUT", "/flows/{flow}/members/{none}", None), NO_USER,
        lambda world, names: names["other"] in members(world, names), ("user", "flow", "other")),
    Change(
        "flow.remove_member", ["flow", "remove-member", "{flow}", "{member}"],
        ("DELETE", "/flows/{flow}/members/{member}", None), ["flow", "remove-member", "{flow}", "{user}"],
        ("DELETE", "/flows/{flow}/members/{user}", None), "The owner '{user}' cannot be removed.",
        lambda world, names: names["member"] not in members(world, names), ("user", "flow")),
    Change(
        "flow.delete", ["flow", "delete", "{flow}", "--yes"], ("DELETE", "/flows/{flow}?confirm={flow}", None),
        ["flow", "delete", "{none}", "--yes"], ("DELETE", "/flows/{none}?confirm={none}", None), NO_FLOW,
        lambda world, names: not world.json("flow", "list", "--title", names["flow_title"])["flows"], ("user", "flow")),
    Change(
        "message.delete", ["message", "delete", "{message}", "--yes"],
        ("DELETE", "/messages/{message}?confirm={message}", None), ["message", "delete", "1", "--yes"],
        ("DELETE", "/messages/1?confirm=1", None),
        "No message with uuid 1. Find messages with 'manage message search WORD'.",
        lambda world, names: find(world.json("message", "show", names["message"]), "is_deleted"), ("message",)),
    Change(
        "invite.create", ["invite", "create", "--note", "{new}"], ("POST", "/invites", {"note": "{new}"}),
        ["invite", "create", "--uses", "0"], ("POST", "/invites", {"uses": 0}),
        "A code makes 1 to 1000000 accounts, not 0.",
        lambda world, names: any(found["note"] == names["new"] for found in world.json("invite", "list")["invites"]),
        ()),
    Change(
        "invite.revoke", ["invite", "revoke", "{invite}"], ("DELETE", "/invites/{invite}", None),
        ["invite", "revoke", "00"], ("DELETE", "/invites/00", None),
        "An id of an invitation has 6 to 64 digits. List them with 'manage invite list --all'.",
        lambda world, names: all(
            found["id"] != names["invite"] for found in world.json("invite", "list")["invites"]), ("invite",)),
]


def find(report, name):
    """A member of a report, however deep."""
    if isinstance(report, dict):
        if name in report:
            return report[name]
        report = list(report.values())
    parts = report if isinstance(report, list) else []
    return next((found for part in parts if (found := find(part, name)) is not None), None)


class World:
    """A server, running or not, and the ways to change what it has."""

    def __init__(self, folder, is_running):
        self.server = Server(folder)
        if is_running:
            self.server.start()
        else:
            self.server.prepare_database()
        make_administrator(self.server)
        if is_running:
            self.remote = remote_options(self.server, "faces")
            self.server.tokens = {scope: token_of(self.server, scope, scope) for scope in ("read", "write")}

    def json(self, *words):
        done = self.server.manage(*words, "--json", stdin=PASSWORD)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def names(self, needs):
        """Names of one test's own, and what it needs beforehand."""
        number = next(_numbers)
        names = {name: f"{name}-{number}" for name in ("user", "other", "member", "new", "none")}
        for login in ("user", "other", "member"):
            if login in needs or login == "member" and "flow" in needs:
                self.json("user", "create", "--login", names[login], "--password-stdin")
        if "flow" in needs:
            names["flow_title"] = f"flow-{number}"
            made = self.json(
                "flow", "create", "--login", names["user"], "--type", "group", "--title", names["flow_title"],
                "--member", names["member"])
            names["flow"] = str(find(made, "uuid"))
        if "message" in needs:
            seeded = self.json("flow", "seed")
            names["message"] = str(find(self.json("message", "list", find(seeded, "first_flow")), "uuid"))
        if "invite" in needs:
            names["invite"] = find(self.json("invite", "create"), "id")
        return names

    def through(self, face, command, request, names):
        """Makes a change; returns whether it was made, and otherwise the words of the refusal."""
        def own(part):
            if isinstance(part, dict):
                return {key: own(value) for key, value in part.items()}
            return part.format(**names) if isinstance(part, str) else part

        if face != "api":
            place = self.remote if face == "remote" else []
            done = self.server.manage(*(own(word) for word in command), *place, "--json", stdin="secret\n")
            if done.returncode == 0:
                return True, ""
            error = json.loads(done.stderr.strip().splitlines()[-1])["error"]
            return False, " ".join(filter(None, (error["message"], error["next_step"])))
        method, path, body = request
        status, headers, answer = ask(self.server, method, own(path), own(body))
        if status == 202:
            # Its events end with the job.
            place = headers["Location"].removeprefix("/admin/api/v1")
            ask(self.server, "GET", place, accept="text/event-stream")
            job = ask(self.server, "GET", place)[2]
            status = 200 if job["state"] == "done" else 500
            answer = {"detail": (job["error"] or {}).get("message")} | (job["error"] or {})
        if status < 300:
            return True, ""
        return False, " ".join(filter(None, (answer["detail"], answer.get("next_step"))))

    def records(self, operation):
        """What the audit says of an operation, oldest first."""
        return self.json("audit", "list", "--what", operation)["records"][::-1]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """By the face: a database without a server, and a server that runs."""
    idle = World(tmp_path_factory.mktemp("idle"), is_running=False)
    running = World(tmp_path_factory.mktemp("running"), is_running=True)
    yield {"cli": idle, "socket": running, "api": running, "remote": running}
    running.server.stop()


@pytest.mark.parametrize("face", ["cli", "socket", "api", "remote"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.operation)
def test_a_change_is_the_same_through_every_face(worlds, change, face):
    world = worlds[face]
    names = world.names(change.needs)
    before = len(world.records(change.operation))

    refused, words = world.through(face, change.wrong_command, change.wrong_request, names)
    is_made, error = world.through(face, change.command, change.request, names)

    assert (refused, words) == (False, change.refusal.format(**names))
    assert is_made, error
    assert change.effect(world, names)
    records = world.records(change.operation)[before:]
    results = [(record["face"], record["result"]) for record in records]
    # Some commands look first whether there is what they are to change, and then ask for no change at all.
    name = "api" if face == "remote" else face
    assert results in ([(name, "refused"), (name, "done")], [(name, "done")])
    if name == "api":
        assert {record["who"] for record in records} == {"admin"}
        assert all(record["address"] == "127.0.0.1" for record in records)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.operation)
def test_a_token_that_reads_changes_nothing(worlds, change):
    world = worlds["api"]
    names = world.names(change.needs)
    tokens = world.server.tokens
    world.server.tokens = tokens | {"write": tokens["read"]}
    try:
        is_made, words = world.through("api", change.command, change.request, names)
    finally:
        world.server.tokens = tokens

    assert not is_made
    assert words.startswith(f"The scope of this token is read, and '{change.operation}' changes something.")


def test_every_change_of_the_api_is_tried(worlds):
    world = worlds["api"]
    paths = ask(world.server, "GET", "/openapi.json")[2]["paths"]
    writing = {
        operation["operationId"] for methods in paths.values() for operation in methods.values()
        if operation["x-scope"] == "write"
    }

    # Those of one server's own, and of many at once, are tried elsewhere; all of them by AuditedOperationTests.
    elsewhere = {
        "job.cancel", "backup.create", "flow.seed", "flow.remove_seed", "node.drain", "node.resume", "user.logout_session",
        "db.check", "db.gc", "server.reload", "server.log_level", "message.expire", "user.erase",
    }
    assert writing - elsewhere == {change.operation for change in CHANGES}
