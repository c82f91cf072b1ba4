# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""A FastChat client written from docs/protocols/fastchat.md alone, over a bare socket.

It is as simple as the old ones: one `recv` is one JSON value, and the cryptography is that of PyPI's `rsa` and `pycryptodome`.
"""

import base64
import hashlib
import json
import os
import queue
import socket
import threading

import rsa
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

TIMEOUT_SECONDS = 30
RECEIVE_BYTES = 1 << 20
SECRET_BYTES = 30
TIME = "2026-11-21 06:36:40.123456"


def ask_balancer(place, source=""):
    """Host, port and signature that the balancer names, perhaps asked from another address of this machine."""
    with socket.create_connection(place, TIMEOUT_SECONDS, source_address=(source, 0)) as connection:
        answer = json.loads(connection.recv(RECEIVE_BYTES))
        assert connection.recv(1) == b"", "the balancer closes after its answer"
    assert set(answer) == {"server_ip", "server_port", "sign"}
    return answer["server_ip"], answer["server_port"], answer["sign"]


def encrypt(text, pem):
    """`message` and `key` for the owner of a public key."""
    secret = os.urandom(SECRET_BYTES)
    vector = os.urandom(16)
    cipher = AES.new(hashlib.sha256(secret).digest(), AES.MODE_CBC, vector)
    message = base64.b64encode(vector + cipher.encrypt(pad(text.encode(), 16)))
    key = base64.b64encode(rsa.encrypt(secret, rsa.PublicKey.load_pkcs1(pem.encode())))
    return message.decode(), key.decode()


def decrypt(message, key, private_key):
    secret = rsa.decrypt(base64.b64decode(key), private_key)
    assert len(secret) == SECRET_BYTES
    sealed = base64.b64decode(message)
    cipher = AES.new(hashlib.sha256(secret).digest(), AES.MODE_CBC, sealed[:16])
    return unpad(cipher.decrypt(sealed[16:]), 16).decode()


def check_item(item):
    """Holds one object of an array to the forms that fastchat.md lists."""
    assert isinstance(item, dict)
    if item["type"] == "keys":
        assert item["from"] == "server" and item["response"] == 0 and item["isgroup"] in (0, 1)
        if item["message"] != -1:
            for user, pem in item["message"].items():
                assert user.isdigit() and pem.startswith("-----BEGIN RSA PUBLIC KEY-----\n")
        return
    assert item["type"] in ("msg", "img") and isinstance(item["time"], str) and isinstance(item["dest"], int)
    if item["from"] == "server":
        assert item["isgroup"] == 1 and item["response"] == 0 and isinstance(item["group"], int) and item["message"]
    else:
        assert isinstance(item["from"], int) and isinstance(item["message"], str) and isinstance(item["key"], str)
        assert item["isgroup"] == (1 if "group" in item else 0)


class Client:
    """One connection. A thread reads; what each read brings must be exactly one value."""

    def __init__(self, place, source=""):
        self.socket = socket.create_connection(place[:2], TIMEOUT_SECONDS, source_address=(source, 0))
        self.socket.settimeout(None)
        self.number = self.private_key = None
        self.units = queue.Queue()
        self.items = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            try:
                data = self.socket.recv(RECEIVE_BYTES)
            except OSError:
                data = b""
            self.units.put(data)
            if not data:
                return

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, value):
        self.send_raw(json.dumps(value).encode())

    def unit(self):
        """The next unit; None at the end of the connection."""
        data = self.units.get(timeout=TIMEOUT_SECONDS)
        return json.loads(data) if data else None

    def item(self):
        """The next object of an array; None at the end of the connection."""
        while not self.items:
            unit = self.unit()
            if unit is None:
                return None
            assert isinstance(unit, list) and unit, f"{unit!r} is no array of objects"
            for item in unit:
                check_item(item)
            self.items += unit
        return self.items.pop(0)

    def next(self, matches):
        """The next object that matches; those before it are kept for later."""
        aside = []
        while True:
            item = self.item()
            assert item is not None, "the connection ended"
            if matches(item):
                self.items = aside + self.items
                return item
            aside.append(item)

    # Accounts

    def reply(self, request):
        self.send(request)
        reply = self.unit()
        if reply is not None:
            assert set(reply) == {"type", "server_message", "response"} and reply["type"] == "server reply"
        return reply

    def register(self, number, password, sign, keys):
        public_key, self.private_key = keys
        self.number = number
        return self.reply({
            "type": "new", "user": number, "password": password, "sign": sign,
            "public_key": public_key.save_pkcs1().decode(),
        })

    def log_in(self, number, password, sign, keys=(None, None)):
        self.private_key = keys[1]
        self.number = number
        return self.reply({"type": "login", "user": number, "password": password, "sign": sign})

    def command(self, message, dest="server", **members):
        self.send({
            "type": "msg", "dest": dest, "from": self.number, "message": message, "isgroup": 0, "response": 0,
            "time": TIME,
        } | members)

    def close(self):
        # A close alone would not wake the thread that reads.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(TIMEOUT_SECONDS)
        self.socket.close()

    # Keys and messages

    def keys(self, number, is_group=0):
        """What the server answers: public keys by number as text, or -1."""
        self.send({
            "type": "keys", "dest": "server", "from": self.number, "message": number, "isgroup": is_group,
            "response": 0,
        })
        return self.next(lambda item: item["type"] == "keys")["message"]

    def write(self, text, number, kind="msg"):
        message, key = encrypt(text, self.keys(number)[str(number)])
        self.send({
            "type": kind, "time": TIME, "dest": number, "from": self.number, "message": message, "isgroup": 0,
            "response": 0, "key": key,
        })

    def write_to_group(self, text, group, kind="msg"):
        copies = []
        for number, pem in self.keys(group, is_group=1).items():
            message, key = encrypt(text, pem)
            copies.append({
                "type": kind, "time": TIME, "dest": int(number), "group": group, "from": self.number,
                "message": message, "isgroup": 1, "response": 0, "key": key,
            })
        self.send(copies)

    def message(self):
        """The next message: sender, group (None if direct), text."""
        item = self.next(lambda item: item["type"] != "keys" and item["from"] != "server")
        assert item["dest"] == self.number
        return item["from"], item.get("group"), decrypt(item["message"], item["key"], self.private_key)

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def notice(self):
        """The next notice: group (0 if it is about none), text."""
        item = self.next(lambda item: item["from"] == "server" and item["type"] == "msg")
        assert item["dest"] == (self.number or 0)
        return item["group"], item["message"]

    def create_group(self, *members):
        self.command("create_group", ",".join(map(str, members)), isgroup=1)
        created = "You have successfully created the group: "
        item = self.next(lambda item: item["from"] == "server" and str(item["message"]).startswith(created))
        assert item["message"] == f"{created}{item['group']}"
        return item["group"]
