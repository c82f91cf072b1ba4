# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Behind a real HAProxy: sessions have the addresses of people, whoever brings them here, and of nobody who lies."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.parse

import pytest
import rsa
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import fastchat_client
from mtp_client import request_frame
from skaro_person import skaro_url

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
# HAProxy connects from 127.0.0.1, and people come from another address of this machine.
PERSON = "127.0.0.9"
PASSWORD = "a password"
START_SECONDS = 20

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed; Scripts/install-packages does it")

CONFIGURATION = """
global
    maxconn 100
defaults
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen messenger
    mode tcp
    bind 127.0.0.1:{messenger_front}
    server parley {messenger} send-proxy-v2
listen web
    mode http
    bind 127.0.0.1:{web_front}
    option forwardfor
    server parley {web}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def connected(port, source=PERSON):
    """A connection from another address, as soon as somebody listens."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), source_address=(source, 0), timeout=30)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise


@pytest.fixture
def proxied(start_server, tmp_path):
    """A server that trusts an HAProxy in front of it, and the proxy's ports."""
    server = start_server(SERVER_TRUSTED_PROXIES="127.0.0.1", MESSENGER_PROXY_PROTOCOL="on", REGISTRATION_MODE="open")
    ports = {"messenger_front": free_port(), "web_front": free_port()}
    text = CONFIGURATION.format(
        messenger="{}:{}".format(*server.place_of("messenger")), web=urllib.parse.urlsplit(server.url).netloc, **ports
    )
    with haproxy(tmp_path, text, ports):
        yield server, ports


@pytest.fixture
def headed(start_server, tmp_path):
    """A server that wants the PROXY protocol on every port, and the ports of an HAProxy that speaks it."""
    sections = ("SERVER", "MESSENGER", "FASTCHAT", "BALANCER")
    server = start_server(
        SERVER_TRUSTED_PROXIES="127.0.0.1", REGISTRATION_MODE="open", BALANCER_LISTEN="127.0.0.1:0",
        **{f"{section}_PROXY_PROTOCOL": "on" for section in sections},
    )
    places = {name: "{}:{}".format(*server.place_of(name)) for name in ("MTP", "messenger", "FastChat", "Balancer")}
    ports = {name: free_port() for name in places}
    text = CONFIGURATION.partition("listen")[0]
    for name, place in places.items():
        text += f"listen {name}\n    mode tcp\n    bind 127.0.0.1:{ports[name]}\n    server parley {place} send-proxy-v2\n"
    with haproxy(tmp_path, text, ports):
        yield server, ports


@contextlib.contextmanager
def haproxy(folder, text, ports):
    file = folder / "haproxy.cfg"
    file.write_text(text)
    process = subprocess.Popen([HAPROXY, "-db", "-f", str(file)], stdin=subprocess.DEVNULL)
    try:
        for port in ports.values():
            connected(port).close()
        yield
    finally:
        process.terminate()
        process.wait(30)


def addresses(server, login):
    done = server.manage("user", "sessions", login, "--json")
    assert done.returncode == 0, done.stderr
    return [session["address"] for session in json.loads(done.stdout)["sessions"]]


def register(link, login):
    link.send(json.dumps(request_frame("register_user", {"user": [{"login": login, "password": PASSWORD}]})))
    answer = json.loads(link.recv(timeout=30))
    assert answer["errors"]["code"] == 201, answer


def test_messenger_sees_the_person_through_the_proxy_protocol(proxied):
    server, ports = proxied
    with contextlib.closing(connected(ports["messenger_front"])) as link:
        link.sendall(b"\x00\ranna\r" + PASSWORD.encode())
        assert link.recv(100) == b"\x00\x00"
        link.sendall(b"\x01anna\r" + PASSWORD.encode())
        assert link.recv(100)[:3] == b"\x01\x00\r"

        assert addresses(server, "anna") == [PERSON]


def test_the_servers_own_port_sees_the_person_through_the_proxy_protocol(headed):
    server, ports = headed
    with connect(f"ws://127.0.0.1:{ports['MTP']}/ws", sock=connected(ports["MTP"])) as link:
        register(link, "emil")

        assert addresses(server, "emil") == [PERSON]


def test_fastchat_sees_the_person_through_the_proxy_protocol(headed):
    server, ports = headed
    sign = fastchat_client.ask_balancer(("127.0.0.1", ports["Balancer"]), PERSON)[2]
    client = fastchat_client.Client(("127.0.0.1", ports["FastChat"]), PERSON)
    with contextlib.closing(client):
        reply = client.register(7, PASSWORD, sign, rsa.newkeys(1024))

        assert reply["server_message"] == "Registered and Connected"
        assert addresses(server, "7") == [PERSON]


@pytest.mark.parametrize("name", ["MTP", "messenger", "FastChat", "Balancer"])
def test_no_port_answers_the_proxy_without_a_header(headed, name):
    server, _ = headed
    with contextlib.closing(connected(server.place_of(name)[1], source="127.0.0.1")) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(100) == b""


def test_a_connection_of_the_proxy_without_a_header_is_closed(proxied):
    server, _ = proxied
    with contextlib.closing(connected(server.place_of("messenger")[1], source="127.0.0.1")) as link:
        link.sendall(b"\x00\rbob\r" + PASSWORD.encode())
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(100) == b""


def test_a_header_of_anybody_else_is_not_believed(proxied):
    server, _ = proxied
    with contextlib.closing(connected(server.place_of("messenger")[1])) as link:
        header = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 1, 127, 0, 0, 1, 0, 80, 0, 81])
        link.sendall(header)
        # A request that cannot be understood, as any other.
        assert link.recv(100) == b"\x0d\xff"


def test_websockets_see_the_person_through_x_forwarded_for(proxied):
    server, ports = proxied
    # What a client says of itself counts for nothing.
    lies = {"X-Forwarded-For": "192.0.2.77", "Forwarded": "for=192.0.2.78"}
    url = f"ws://127.0.0.1:{ports['web_front']}/ws"
    with connect(url, sock=connected(ports["web_front"]), additional_headers=lies) as link:
        register(link, "carl")

        assert addresses(server, "carl") == [PERSON]


def test_websockets_see_the_person_through_forwarded(start_server):
    server = start_server(
        SERVER_TRUSTED_PROXIES="127.0.0.1", SERVER_FORWARDED_HEADER="Forwarded", REGISTRATION_MODE="open")
    headers = {"Forwarded": 'for="[2001:db8::9]:47011";proto=http', "X-Forwarded-For": "192.0.2.77"}
    with connect(server.url, additional_headers=headers) as link:
        register(link, "frieda")

        assert addresses(server, "frieda") == ["2001:db8::9"]


def test_guesses_behind_the_proxy_slow_the_guesser_alone(proxied):
    _, ports = proxied

    def answer(request, source):
        with contextlib.closing(connected(ports["messenger_front"], source)) as link:
            link.sendall(request)
            return link.recv(100)[:2]

    assert answer(b"\x00\rgina\r" + PASSWORD.encode(), PERSON) == b"\x00\x00"
    right = b"\x01gina\r" + PASSWORD.encode()
    guesser, other = "127.0.0.66", "127.0.0.67"
    for _ in range(30):
        assert answer(b"\x01gina\rguess", guesser) != b"\x01\x00"

    # A guess that hits is not told apart, and nobody else behind the same proxy is slowed.
    assert answer(right, guesser) != b"\x01\x00"
    assert answer(right, other) == b"\x01\x00"


def test_who_comes_straight_cannot_name_another(proxied):
    server, _ = proxied
    port = urllib.parse.urlsplit(server.url).port
    with connect(server.url, sock=connected(port), additional_headers={"X-Forwarded-For": "192.0.2.77"}) as link:
        register(link, "dora")

        assert addresses(server, "dora") == [PERSON]


def test_a_foreign_page_is_refused_with_and_without_the_proxy(proxied):
    server, ports = proxied
    urls = (server.url, f"ws://127.0.0.1:{ports['web_front']}/ws")
    for url in (*urls, *(url.removesuffix("/ws") + "/skaro" for url in urls)):
        with pytest.raises(InvalidStatus) as refusal:
            connect(url, origin="http://evil.example")
        assert refusal.value.response.status_code == 403


def test_own_page_and_listed_pages_may_connect(start_server):
    server = start_server(SERVER_ORIGINS="https://chat.example.org")
    own = server.http_url.rstrip("/")
    for url in (server.url, skaro_url(server)):
        for origin in (own, "https://chat.example.org"):
            with connect(url, origin=origin) as link:
                link.ping()
