# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Texts that are slow to compare, in every place of the HTTP API, of the panel and of MTP that takes one.

The server's processor time is that of plain texts of the same size.
"""

import json
import secrets
import time
import urllib.parse
from pathlib import Path

import pytest

from admin_client import PASSWORD, ask, make_administrator, token_of
from mtp_client import METHODS, Client
from panel_client import PanelClient
from server_process import Server

# What a head of a request, and a form, have room for, once it is written with percent signs.
ADDRESS_BYTES = 4_000
HEAD_BYTES = 12_000
FORM_BYTES = 20_000
FRAME_BYTES = 60_000
BODY_BYTES = 60_000
# A text that is normalized once takes a third of a second at 60,000 bytes, 37 ms at FORM_BYTES, 13 ms at HEAD_BYTES: so
# many requests make one such comparison more than the bound, MOST_TIMES * LEAST_SECONDS. At ADDRESS_BYTES it is a
# millisecond and harms nobody; what is found there is a text that is compared often.
REQUESTS = 3
FORM_REQUESTS = 14
HEAD_REQUESTS = 40
# Below the second one a machine is not exact.
MOST_TIMES = 10
LEAST_SECONDS = 0.02

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
FIELDS = {
    "/admin/login": ["username", "password", "code"],
    "/admin/users/new": ["login", "username", "password", "email", "is_bot"],
    "/admin/users/update": ["login", "new_login", "username", "email", "bio"],
    "/admin/users/password": ["login", "password"],
    "/admin/users/limits": ["login", "limit-write", "limit-read"],
    "/admin/users/logout": ["login", "session"],
    "/admin/users/delete": ["login"],
    "/admin/flows/new": ["owner", "type", "title", "info", "members"],
    "/admin/flows/update": ["flow", "title", "info", "type", "owner"],
    "/admin/flows/members/add": ["flow", "login"],
    "/admin/flows/members/remove": ["flow", "login"],
    "/admin/flows/delete": ["flow"],
    "/admin/messages/delete": ["message"],
    "/admin/invites": ["uses", "days", "note"],
    "/admin/invites/revoke": ["id"],
    "/admin/nodes/drain": ["node", "minutes", "message"],
    "/admin/nodes/resume": ["node"],
    "/admin/administrators": ["username", "login", "password"],
    "/admin/administrators/delete": ["username"],
    "/admin/backups/verify": ["name"],
    "/admin/backups/cancel": ["job"],
    "/admin/backups/download": ["name"],
    "/admin/settings/change": ["key", "value"],
    "/admin/settings/unset": ["key"],
}
QUERIES = {
    "/admin/users": ["search", "after"],
    "/admin/users/show": ["login"],
    "/admin/flows": ["title", "after"],
    "/admin/flows/show": ["flow"],
    "/admin/messages": ["words", "after"],
    "/admin/audit": ["who", "what", "after"],
    "/admin/log": ["module", "level"],
    "/admin/settings/change": ["key"],
}
MEMBERS = {
    "user": ["uuid", "auth_id", "login", "username", "bio", "avatar", "password", "email", "salt", "key"],
    "flow": ["uuid", "type", "title", "info", "owner"],
    "message": [
        "uuid", "text", "from_user", "from_flow", "file_picture", "file_video", "file_audio", "file_document", "emoji"],
    "meta": ["since", "invite"],
}


def marks(size):
    """`a` and two combining marks in turn, which normalization has to sort."""
    return "a" + "\u0315\u0316" * (size // 4)


def letters(size):
    return "\u0436" * (size // 2)


def processor_seconds(server):
    # The clock of a process, as the system numbers it.
    return time.clock_gettime(((~server.process.pid) << 3) | 2)


def growth(server, size, work):
    """How many times more processor time the work takes for hostile texts than for letters; the least of three."""
    work("x")
    least = None
    for _ in range(3):
        spent = []
        for text in (letters(size), marks(size)):
            start = processor_seconds(server)
            work(text)
            spent.append(max(LEAST_SECONDS, processor_seconds(server) - start))
        least = min(spent[1] / spent[0], least or spent[1] / spent[0])
        if least < MOST_TIMES:
            break
    return least


def check(server, cases):
    """Holds all cases to a cost in proportion to the length: name, size of a text, and the work with one."""
    found = {name: times for name, size, work in cases if (times := growth(server, size, work)) >= MOST_TIMES}
    assert found == {}, "times the processor time of plain text"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), RATE_LIMIT_ENABLED="off")
    server.start()
    make_administrator(server)
    server.tokens = {"write": token_of(server, "tests", "write")}
    yield server
    server.stop()


def fields_of(schema, path=()):
    """The members of a body that hold texts, as paths."""
    kind = schema.get("type")
    if kind == "string" or kind == ["string", "null"]:
        yield path
    for name, member in schema.get("properties", {}).items():
        yield from fields_of(member, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield from fields_of(schema["items"], (*path, 0))


def sample(schema):
    kind = schema.get("type")
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "x", "integer": 1, "boolean": False, "array": [], "number": 1}.get(
        kind, {name: sample(schema["properties"][name]) for name in schema.get("required", [])})


def with_text(schema, path, text):
    body = sample(schema)
    place, inner = body, schema
    for index, name in enumerate(path):
        if index == len(path) - 1:
            if isinstance(place, list):
                place.append(text)
            else:
                place[name] = text
            break
        inner = inner["properties"][name] if isinstance(place, dict) else inner["items"]
        if isinstance(place, list):
            place.append(sample(inner))
            place = place[-1]
        else:
            place[name] = sample(inner)
            place = place[name]
    return body


def requests_of_the_api():
    """For each text of each endpoint: its name, the size that fits, and what makes the request."""
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            given = described.get("parameters", [])
            body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")

            def address(text, hostile, path=path, given=given):
                query = {}
                for parameter in given:
                    value = text if parameter["name"] == hostile else "1"
                    if parameter["in"] == "path":
                        path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(value, safe=""))
                    elif parameter["name"] == hostile or parameter.get("required"):
                        query[parameter["name"]] = value
                return path + ("?" + urllib.parse.urlencode(query) if query else "")

            for parameter in given:
                yield (
                    f"{method} {path} {parameter['name']}", ADDRESS_BYTES,
                    lambda text, method=method, address=address, name=parameter["name"], body=body: (
                        method, address(text, name), sample(body) if body else None))
            for place in fields_of(body or {}):
                yield (
                    f"{method} {path} {place}", BODY_BYTES,
                    lambda text, method=method, address=address, place=place, body=body: (
                        method, address(text, None), with_text(body, place, text)))


API = list(requests_of_the_api())


def test_the_texts_of_the_api_are_read_in_proportion_to_their_length(server):
    assert len(API) > 80

    def asking(name, make):
        def work(text):
            for _ in range(REQUESTS):
                method, path, body = make(text)
                # Some begin work in the background, of which there is only so much at a time.
                while (status := ask(server, method.upper(), path, body)[0]) == 503:
                    time.sleep(0.1)
                assert status < 500, (name, status)

        return work

    check(server, [(name, size, asking(name, make)) for name, size, make in API])


def test_the_fields_of_a_head_are_read_in_proportion_to_their_length(server):
    def asking(header, start):
        def work(text):
            for _ in range(HEAD_REQUESTS):
                value = (start + text).encode().decode("latin-1")
                status, _, _ = ask(server, "GET", "/users", headers={header: value})
                assert status < 500, (header, status)

        return work

    check(
        server,
        [(f"{name}: {start}", HEAD_BYTES, asking(name, start))
         for name in ("Authorization", "Content-Type", "Accept", "Cookie", "X-Forwarded-For")
         for start in ("", "Bearer ")])


def log_in(server):
    client = PanelClient(server.http_url)
    assert client.log_in("admin", PASSWORD.strip()).location == "/admin"
    # Any page with a form, for its token.
    client.get("/admin/users/new")
    return client


@pytest.mark.parametrize("path", FIELDS)
def test_the_forms_of_the_panel_are_read_in_proportion_to_their_length(server, path):
    client = log_in(server)
    if path == "/admin/login":
        client = PanelClient(server.http_url)
        client.get(path)

    def sending(hostile):
        def work(text):
            for _ in range(FORM_REQUESTS):
                fields = {name: text if name == hostile else "1" for name in FIELDS[path]}
                if hostile is None:
                    fields[text] = "1"
                token = text if hostile == "form_token" else client.token
                assert client.post(path, fields, token=token).status < 500, (path, hostile)

        return work

    check(server, [(hostile, FORM_BYTES, sending(hostile)) for hostile in [*FIELDS[path], "form_token", None]])


def test_the_addresses_of_the_panel_are_read_in_proportion_to_their_length(server):
    client = log_in(server)

    def asking(path, name):
        def work(text):
            for _ in range(REQUESTS):
                assert client.get(f"{path}?{urllib.parse.urlencode({name: text})}").status < 500, (path, name)

        return work

    check(
        server,
        [(f"{path}?{name}", ADDRESS_BYTES, asking(path, name)) for path, names in QUERIES.items() for name in names])


@pytest.mark.parametrize("method", METHODS)
def test_every_member_of_mtp_is_read_in_proportion_to_its_length(server, register, method):
    """Each member that the protocol has, from a person who is known."""
    person = register(server, "person")

    def asking(kind, name):
        def work(text):
            for _ in range(REQUESTS):
                data = {
                    "user": [person.identity], "flow": [{"uuid": "1", "type": "group"}],
                    "message": [{"text": "x", "uuid": "1"}], "time": 0}
                if kind == "meta":
                    # An account of its own, where the method makes one.
                    data["user"] = [person.identity | {"login": secrets.token_hex(8), "password": "p"}]
                else:
                    data[kind] = [data[kind][0] | {name: text}]
                person.client.request(method, data, meta={name: text} if kind == "meta" else None)

        return work

    check(
        server,
        [(f"{kind}.{name}", FRAME_BYTES, asking(kind, name)) for kind, names in MEMBERS.items() for name in names])
