# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""A database of an older version with messages of the year 2024; `databases/` says what it holds."""

import contextlib
import sqlite3
from pathlib import Path

from mtp_client import Client

FOLDER = Path(__file__).resolve().parent / "databases"
PASSWORD = "correct-horse-battery-staple"


def fill(server, database=None):
    """Puts what the older version left where a server that has not been started will look, and migrates it."""
    name = "postgres" if database else "sqlite"
    text = (FOLDER / f"0006_limits.{name}.sql").read_text(encoding="utf-8")
    if database:
        database.load(text)
    else:
        with contextlib.closing(sqlite3.connect(server.folder / "chat.db")) as file:
            file.executescript(text)
    done = server.manage("db", "migrate")
    assert done.returncode == 0, done.stderr
    return done.stdout


class Member:
    """Somebody of that database, with a connection of their own."""

    def __init__(self, server, login):
        self.server, self.login, self.client = server, login, None
        self.connect()
        self.flows = {flow["title"]: flow["uuid"] for flow in self.ask("all_flow").flows}

    def connect(self):
        """A new connection in the place of the one that was."""
        if self.client:
            self.client.close()
        self.client = Client(self.server.url)
        answer = self.client.request("authentication", {"user": [{"login": self.login, "password": PASSWORD}]})
        assert answer.code == 200, answer
        self.identity = {name: answer.users[0][name] for name in ("uuid", "auth_id")}

    def ask(self, method, **data):
        return self.client.request(method, {"user": [self.identity]} | data)

    def read(self, title):
        """The messages of the flow with this title; the chat of two has none."""
        return self.ask("all_messages", time=0, flow=[{"uuid": self.flows[title]}])

    def say(self, title, text):
        answer = self.ask("send_message", flow=[{"uuid": self.flows[title]}], message=[{"text": text, "client_id": 1}])
        assert answer.code == 200, answer
