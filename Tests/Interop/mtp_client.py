# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""An MTP client written from docs/protocols/mtp.md alone, over the `websockets` package.

Every frame that arrives is held to the shape that the protocol promises, whatever the test is about.
"""

import json
import time
from contextlib import ExitStack
from http import HTTPStatus

from websockets.sync.client import connect

TIMEOUT_SECONDS = 30
METHODS = [
    "register_user", "authentication", "get_update", "send_message", "all_messages", "add_flow", "all_flow",
    "user_info", "delete_user", "delete_message", "edited_message", "ping_pong",
]
PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    499: "Client Closed Request",
    505: "Version Not Supported",
    520: "Unknown Error",
    526: "Invalid SSL Certificate",
}
FLOW_MEMBERS = {"uuid", "time", "type", "title", "info", "owner", "users", "message_start", "message_end"}
MESSAGE_MEMBERS = {
    "uuid", "client_id", "text", "from_user", "from_flow", "time", "file_picture", "file_video", "file_audio",
    "file_document", "emoji", "edited_time", "edited_status",
}
USER_MEMBERS = {
    "uuid", "login", "username", "bio", "avatar", "is_bot", "auth_id", "token_ttl", "email", "time_created",
    "is_online",
}
INTEGERS = {"time", "client_id", "edited_time", "message_start", "message_end", "token_ttl", "time_created"}
BOOLEANS = {"edited_status", "is_bot", "is_online"}


def filled(members):
    """The members of an object that are there and not null."""
    return {name: value for name, value in members.items() if value is not None}


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def check_object(members, allowed):
    assert isinstance(members, dict)
    assert set(members) <= allowed, f"unknown members {set(members) - allowed}"
    for name, value in filled(members).items():
        if name in INTEGERS:
            assert is_integer(value), f"{name} is {value!r}"
        elif name in BOOLEANS:
            assert isinstance(value, bool), f"{name} is {value!r}"
        elif name == "users":
            assert isinstance(value, list) and all(isinstance(user, str) for user in value)
        else:
            assert isinstance(value, str), f"{name} is {value!r}"
    if members.get("uuid") is not None:
        assert members["uuid"].isascii() and members["uuid"].isdigit() and int(members["uuid"]) < 2**128


def check_frame(frame):
    """Holds one answer or push to the shape that mtp.md promises."""
    assert set(frame) == {"type", "data", "errors", "jsonapi", "meta"}
    assert frame["type"] in METHODS + ["error"]
    assert frame["jsonapi"] == {"version": "1.0", "revision": "17"}

    errors = frame["errors"]
    assert set(errors) == {"code", "status", "time", "detail"}
    assert is_integer(errors["code"]) and is_integer(errors["time"])
    assert abs(errors["time"] - time.time()) < 600
    assert errors["status"] == PHRASES[errors["code"]]
    assert isinstance(errors["detail"], str) and errors["detail"]
    assert errors["code"] < 300 or frame["data"] is None

    if frame["data"] is not None:
        data = frame["data"]
        assert set(data) <= {"time", "flow", "message", "user", "meta"}
        assert data.get("time") is None or is_integer(data["time"])
        for name, allowed in (("flow", FLOW_MEMBERS), ("message", MESSAGE_MEMBERS), ("user", USER_MEMBERS)):
            for members in data.get(name) or []:
                check_object(members, allowed)
    if frame["meta"] is not None:
        assert set(frame["meta"]) <= {"push", "since"} and isinstance(frame["meta"]["since"], str)


class Answer:
    """One checked frame, with short names for what tests look at."""

    def __init__(self, frame):
        check_frame(frame)
        self.frame = frame
        self.type = frame["type"]
        self.data = frame["data"]
        self.code = frame["errors"]["code"]
        self.detail = frame["errors"]["detail"]
        self.time = frame["errors"]["time"]
        self.meta = frame["meta"]

    def items(self, name):
        return (self.data or {}).get(name) or []

    @property
    def flows(self):
        return self.items("flow")

    @property
    def messages(self):
        return self.items("message")

    @property
    def users(self):
        return self.items("user")

    @property
    def texts(self):
        return [message.get("text") for message in self.messages]

    @property
    def is_push(self):
        return bool(self.meta and self.meta.get("push"))

    def __repr__(self):
        return f"Answer({json.dumps(self.frame, ensure_ascii=False)[:2000]})"


def request_frame(method, data=None, version="1.0", meta=None):
    return {
        "type": method,
        "data": data,
        "jsonapi": {"version": version, "revision": "17"},
        "meta": meta,
    }


class Client:
    """One connection. Answers come in the order of requests; pushed frames are kept aside."""

    def __init__(self, url, **headers):
        self.exits = ExitStack()
        opening = connect(
            url, open_timeout=TIMEOUT_SECONDS, close_timeout=TIMEOUT_SECONDS, max_size=None, additional_headers=headers
        )
        self.socket = self.exits.enter_context(opening)
        self.pushed = []

    def close(self):
        self.exits.close()

    def send_raw(self, text):
        self.socket.send(text)

    def send(self, method, data=None, **members):
        self.send_raw(json.dumps(request_frame(method, data, **members), ensure_ascii=False))

    def next_frame(self):
        text = self.socket.recv(timeout=TIMEOUT_SECONDS)
        assert isinstance(text, str), "answers are text frames"
        return Answer(json.loads(text))

    def answer(self):
        while (frame := self.next_frame()).is_push:
            self.pushed.append(frame)
        return frame

    def push(self):
        """The next pushed frame, waiting for it when none has come yet."""
        if self.pushed:
            return self.pushed.pop(0)
        frame = self.next_frame()
        assert frame.is_push, f"an answer nobody asked for: {frame}"
        return frame

    def raw(self, text):
        self.send_raw(text)
        return self.answer()

    def request(self, method, data=None, **members):
        self.send(method, data, **members)
        answer = self.answer()
        assert answer.type in (method, "error")
        return answer


class Person:
    """A registered account and one connection of its own; every method of the protocol as a Python method."""

    def __init__(self, server, login, password, **members):
        self.server, self.login, self.password = server, login, password
        self.client = Client(server.url)
        answer = self.client.request(
            "register_user", {"user": [{"login": login, "password": password} | members]}
        )
        assert answer.code == 201, answer
        self.uuid, self.auth_id = answer.users[0]["uuid"], answer.users[0]["auth_id"]

    @property
    def identity(self):
        return {"uuid": self.uuid, "auth_id": self.auth_id}

    def ask(self, method, data=None, **members):
        """Any authenticated request: this person is put first in `data.user`."""
        data = dict(data or {})
        data["user"] = [self.identity, *data.pop("asked", [])]
        return self.client.request(method, data, **members)

    def reconnect(self):
        self.client.close()
        self.client = Client(self.server.url)

    def authenticate(self, password=None):
        user = {"login": self.login, "password": password or self.password}
        return self.client.request("authentication", {"user": [user]})

    def ping(self, **members):
        return self.ask("ping_pong", **members)

    def add_flow(self, type="group", title="A title", info="Some words", users=(), owner=None):
        flow = {"type": type, "title": title, "info": info, "owner": owner or self.uuid}
        return self.ask("add_flow", {"flow": [flow | {"users": [getattr(user, "uuid", user) for user in users]}]})

    def make_flow(self, *users, type="group", **members):
        answer = self.add_flow(type=type, users=users, **members)
        assert answer.code == 200, answer
        return answer.flows[0]["uuid"]

    def send(self, flow, text="Hello!", client_id=1, **files):
        message = {"client_id": client_id, "text": text} | files
        return self.ask("send_message", {"flow": [{"uuid": flow}], "message": [message]})

    def say(self, flow, *texts):
        """Sends the texts one after the other and returns the uuids of the messages."""
        uuids = []
        for number, text in enumerate(texts):
            answer = self.send(flow, text, client_id=number)
            assert answer.code == 200, answer
            uuids.append(answer.messages[0]["uuid"])
        return uuids

    def pipeline(self, flow, texts):
        """Sends all texts without waiting for an answer, then reads all answers."""
        for number, text in enumerate(texts):
            message = {"client_id": number, "text": text}
            data = {"user": [self.identity], "flow": [{"uuid": flow}], "message": [message]}
            self.client.send("send_message", data)
        return [self.client.answer() for _ in texts]

    def messages(self, flow, time=0, **members):
        return self.ask("all_messages", {"time": time, "flow": [{"uuid": flow} | members]})

    def all_flow(self):
        return self.ask("all_flow")

    def updates(self, time=0, **members):
        return self.ask("get_update", {"time": time}, **members)

    def updates_since(self, cursor):
        return self.ask("get_update", {}, meta={"since": cursor})

    def cursor(self):
        """Where the log stands now, for this person."""
        answer = self.ping(meta={})
        assert answer.code == 200, answer
        return answer.meta["since"]

    def user_info(self, *users):
        return self.ask("user_info", {"asked": [{"uuid": getattr(user, "uuid", user)} for user in users]})

    def delete_message(self, flow, message):
        return self.ask("delete_message", {"flow": [{"uuid": flow}], "message": [{"uuid": message}]})

    def edit(self, message, text, **members):
        return self.ask("edited_message", {"message": [{"uuid": message, "text": text} | members]})

    def delete_account(self, login=None, password=None):
        user = self.identity | {"login": login or self.login, "password": password or self.password}
        return self.client.request("delete_user", {"user": [user]})

    def wait_for_next_second(self):
        """Returns when the server's clock shows another second: pages never end inside one."""
        now = self.ping().time
        while self.ping().time == now:
            pass
