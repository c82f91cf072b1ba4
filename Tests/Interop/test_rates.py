# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Too many accounts from one address: each protocol refuses in its own words, and there is no account.

MTP's refusal is in test_refusals.py. This machine itself has no limit, so a test names another address as a proxy does.
"""

import socket
from contextlib import closing

import cbor
import rsa
from websockets.sync.client import connect

import fastchat_client
from skaro_person import skaro_url

TIMEOUT_SECONDS = 30
PASSWORD = "a password"
# A header of the PROXY protocol, version 2: TCP over IPv4 from 192.0.2.1:4096 to 127.0.0.1:4097.
PROXY_HEADER = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 1, 127, 0, 0, 1, 0x10, 0, 0x10, 1])


def limited(start_server, **settings):
    """A server with room for one account from an address in a day."""
    return start_server(
        RATE_LIMIT_ADDRESS_REGISTRATIONS="1/d burst 1", SERVER_TRUSTED_PROXIES="127.0.0.1", REGISTRATION_MODE="open",
        **settings)


def check_accounts(server, there, missing):
    done = server.manage("user", "show", there)
    assert done.returncode == 0, done.stderr
    assert server.manage("user", "show", missing).returncode == 6


def test_skaro_answers_429(start_server):
    server = limited(start_server)
    answers = []
    with connect(skaro_url(server), additional_headers={"X-Forwarded-For": "192.0.2.1"}) as link:
        assert cbor.loads(link.recv(timeout=TIMEOUT_SECONDS))["type"] == "check_connection"
        for login in ("first", "second"):
            link.send(cbor.dumps({"type": "register", "login": login, "password": PASSWORD, "on_request": 1}))
            answers.append(cbor.loads(link.recv(timeout=TIMEOUT_SECONDS)))

    assert answers[0]["status"].startswith("200 "), answers
    assert answers[1]["status"].startswith("429 ") and answers[1]["info"], answers
    check_accounts(server, "first", "second")


def test_messenger_refuses(start_server):
    server = limited(start_server, MESSENGER_PROXY_PROTOCOL="on")
    with closing(socket.create_connection(server.place_of("messenger"), TIMEOUT_SECONDS)) as link:
        link.sendall(PROXY_HEADER + b"\x00\rfirst\r" + PASSWORD.encode())
        assert link.recv(100) == b"\x00\x00"
        # Requests have no length; this one begins after the answer to the first.
        link.sendall(b"\x00\rsecond\r" + PASSWORD.encode())
        assert link.recv(100) == b"\x00\xff"

    check_accounts(server, "first", "second")


def test_fastchat_says_so_in_its_reply(start_server):
    server = limited(start_server, FASTCHAT_PROXY_PROTOCOL="on", BALANCER_LISTEN="127.0.0.1:0")
    sign = fastchat_client.ask_balancer(server.place_of("Balancer"))[2]
    replies = []
    for number in (7, 8):
        client = fastchat_client.Client(server.place_of("FastChat"))
        client.send_raw(PROXY_HEADER)
        replies.append(client.register(number, PASSWORD, sign, rsa.newkeys(1024)))
        client.close()

    assert replies[0]["server_message"] == "Registered and Connected"
    assert replies[1]["response"] == 1 and "too many" in replies[1]["server_message"].lower(), replies
    check_accounts(server, "7", "8")
