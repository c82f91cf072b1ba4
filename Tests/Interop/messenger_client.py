# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""A messenger client written from docs/protocols/messenger.md alone, over a bare socket.

It is as simple as the old ones: a thread reads, one `recv` is one unit, and whatever it brings must have the form of
exactly one.
"""

import queue
import socket
import threading

TIMEOUT_SECONDS = 30
RECEIVE_BYTES = 4096
CR = b"\r"

SIGN_UP, LOG_IN, LOG_OUT, CONTACTS, ADD, SEND = b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x06"


class Unit:
    """One unit from the server, held to the forms that messenger.md lists."""

    def __init__(self, data):
        self.data = data
        self.kind, *self.fields = self.parse(data)

    def parse(self, data):
        assert 2 <= len(data) <= RECEIVE_BYTES, f"a unit of {len(data)} bytes"
        known = {
            b"\x00\x00": "signed up", b"\x00\x04": "login taken", b"\x00\x05": "sign up refused",
            b"\x01\x01": "no such login", b"\x01\x02": "wrong password", b"\x02\x00": "logged out",
            b"\x03\x01": "no contacts", b"\x04\x01": "no such user",
        }
        if data in known:
            return (known[data],)
        if len(data) == 2 and data[1] == 0xFF:
            return "refused", data[0]
        if data[:3] == b"\x01\x00\r":
            key = data[3:]
            assert len(key) == 4 and CR not in key, f"{key!r} is no key"
            return "logged in", key
        if data[:3] == b"\x03\x00\r":
            fields = data[3:].split(CR)
            assert len(fields) % 2 == 0, f"a list of {len(fields)} fields"
            pairs = zip(fields[::2], fields[1::2])
            return "contacts", [(login.decode(), self.status(status)) for login, status in pairs]
        if data[:3] == b"\x04\x00\r":
            return "contact added", self.status(data[3:])
        login, rest = data[1:].split(CR)
        if data[:1] == b"\x05":
            return "presence", login.decode(), self.status(rest)
        assert data[:1] == b"\x02", f"no unit begins with {data[:1]!r}"
        return "message", login.decode(), rest.decode()

    @staticmethod
    def status(byte):
        assert byte in (b"\x00", b"\x01"), f"{byte!r} is no status"
        return byte == b"\x01"

    @property
    def is_push(self):
        return self.kind in ("message", "presence")

    def __repr__(self):
        return f"Unit({self.data!r})"


class Client:
    """One connection. Pushes that come while an answer is awaited are kept aside."""

    def __init__(self, server):
        self.socket = socket.create_connection(server.place_of("messenger"))
        self.reads = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.key = None
        self.pushed = []

    def _read(self):
        data = True
        while data:
            try:
                data = self.socket.recv(RECEIVE_BYTES)
            except OSError:
                data = b""
            self.reads.put(data)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.reader.join(TIMEOUT_SECONDS)
        self.socket.close()

    def write(self, *parts):
        """One request in one go: fields are separated, text is UTF-8."""
        self.socket.sendall(b"".join(part.encode() if isinstance(part, str) else part for part in parts))

    def unit(self):
        """What one `recv` brings; None at the end of the connection."""
        data = self.reads.get(timeout=TIMEOUT_SECONDS)
        return Unit(data) if data else None

    def answer(self):
        while (unit := self.unit()) is not None and unit.is_push:
            self.pushed.append(unit)
        return unit

    def push(self):
        """The next push, waiting for it when none has come yet."""
        if self.pushed:
            return self.pushed.pop(0)
        unit = self.unit()
        assert unit is not None and unit.is_push, f"no push but {unit}"
        return unit

    def messages(self, count):
        """The next messages as pairs of sender and text; who came and went is left out."""
        messages = []
        while len(messages) < count:
            push = self.push()
            if push.kind == "message":
                messages.append(tuple(push.fields))
        return messages

    def ask(self, *parts):
        self.write(*parts)
        return self.answer()

    def sign_up(self, login, password, email=""):
        return self.ask(SIGN_UP, email, CR, login, CR, password)

    def log_in(self, login, password):
        answer = self.ask(LOG_IN, login, CR, password)
        if answer.kind == "logged in":
            [self.key] = answer.fields
        return answer

    def log_out(self):
        return self.ask(LOG_OUT, self.key)

    def contacts(self):
        answer = self.ask(CONTACTS, self.key)
        return answer.fields[0] if answer.kind == "contacts" else answer

    def add(self, login):
        return self.ask(ADD, self.key, CR, login)

    def send(self, recipient, text):
        self.write(SEND, self.key, CR, recipient, CR, text)

    def settle(self):
        """Returns when everything that was sent before is stored: requests of a connection are done in order."""
        self.contacts()
