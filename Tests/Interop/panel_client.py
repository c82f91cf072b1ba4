# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The admin panel as a program sees it that does what a browser would not: cookies, forms and headers as the test wants."""

import http.client
import re
import socket
import ssl
import urllib.parse

TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()
        self.text = self.bytes.decode(errors="replace")

    @property
    def location(self):
        return self.headers["Location"]

    @property
    def cookies(self):
        """By name: the value, and the attributes in lower case."""
        found = {}
        for line in self.headers.get_all("Set-Cookie", []):
            pair, *attributes = [part.strip() for part in line.split(";")]
            name, value = pair.split("=", 1)
            found[name] = (value, {attribute.lower() for attribute in attributes})
        return found


class PanelClient:
    """Keeps cookies and the token of the last form that it saw. `address` is that of the home page."""

    def __init__(self, address, source=None):
        self.address = urllib.parse.urlsplit(address)
        self.source = source
        self.cookies = {}
        self.token = None
        self.headers = {}

    def connect(self):
        if self.address.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection(self.address.hostname, self.address.port, timeout=30, context=context)
        return http.client.HTTPConnection(
            self.address.hostname, self.address.port, timeout=30, source_address=self.source)

    def ask(self, method, path, body=None, **headers):
        connection = self.connect()
        try:
            self.send(connection, method, path, body, **headers)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        for name, (value, _) in answer.cookies.items():
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
        if found := TOKEN.search(answer.text):
            self.token = found[1]
        return answer

    def send(self, connection, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()} | self.headers
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, headers)

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, fields, token=None, **headers):
        """Sends a form with the token of the last one that was seen, or another; an empty one leaves it out."""
        token = self.token if token is None else token
        fields = dict(fields) | ({"form_token": token} if token else {})
        headers = {"Content_Type": "application/x-www-form-urlencoded"} | headers
        return self.ask("POST", path, urllib.parse.urlencode(fields), **headers)

    def log_in(self, name, password, code=""):
        self.get("/admin/login")
        return self.post("/admin/login", {"username": name, "password": password, "code": code})


class EventStream:
    """Server-sent events over one open connection, as they come."""

    def __init__(self, client, path):
        self.connection = client.connect()
        client.send(self.connection, "GET", path)
        self.response = self.connection.getresponse()
        self.headers = self.response.headers

    def lines(self):
        """Every line up to the end of the stream."""
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def close(self):
        if self.connection.sock:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()
