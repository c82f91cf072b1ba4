# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""deploy/haproxy.cfg as it is, but for its addresses, in front of three servers on one PostgreSQL: one dies under load."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import pytest
import rsa
from websockets.exceptions import WebSocketException

import fastchat_client
import messenger_client
from mtp_client import Client, Person
from server_process import PostgresDatabase, Server

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "haproxy.cfg"
NAMES = ("one", "two", "three")
PASSWORD = "a password"
CLIENTS = 12
MESSAGES_AFTERWARDS = 20
SECONDS = 60

pytestmark = [
    pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed; Scripts/install-packages does it"),
    pytest.mark.skipif("PARLEY_TEST_POSTGRES" not in os.environ, reason="PARLEY_TEST_POSTGRES is not set"),
]


def reserve_port(exits):
    """A port that nobody else is given until the end: HAProxy binds it as well, and it alone listens there."""
    reservation = exits.enter_context(socket.socket())
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation.getsockname()[1]


class Front:
    """The proxy, where clients look for a server."""

    def __init__(self, servers, ports, folder):
        self.servers, self.ports = servers, ports
        self.url = f"ws://127.0.0.1:{ports['web']}/ws"
        text = CONFIGURATION.read_text(encoding="utf-8")
        for number, port in ((80, "web"), (54321, "messenger"), (8010, "fastchat")):
            text, count = re.subn(rf"(?m)^(    bind ):{number}$", rf"\g<1>127.0.0.1:{ports[port]}", text)
            assert count == 1
        for index, server in enumerate(servers, 1):
            places = {
                8080: urllib.parse.urlsplit(server.url).netloc,
                54321: "{}:{}".format(*server.place_of("messenger")), 8010: "{}:{}".format(*server.place_of("FastChat")),
            }
            for number, place in places.items():
                assert f"10.0.0.{index}:{number} " in text
                text = text.replace(f"10.0.0.{index}:{number} ", f"{place} ")
        (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        self.process = subprocess.Popen([HAPROXY, "-db", "-f", folder / "haproxy.cfg"], stdin=subprocess.DEVNULL)

    def place_of(self, protocol):
        return "127.0.0.1", self.ports[protocol.lower()]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def front(tmp_path):
    """HAProxy before three servers that share a database and a key file."""
    database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    with contextlib.ExitStack() as exits:
        ports = {name: reserve_port(exits) for name in ("web", "messenger", "fastchat")}
        exits.callback(database.drop)
        servers = []
        for name in NAMES:
            folder = tmp_path / name
            folder.mkdir()
            server = Server(
                folder, database, CLUSTER_NODE=name, SERVER_TRUSTED_PROXIES="127.0.0.1", REGISTRATION_MODE="open",
                MESSENGER_PROXY_PROTOCOL="on", FASTCHAT_PROXY_PROTOCOL="on",
                FASTCHAT_ADVERTISE=f"127.0.0.1:{ports['fastchat']}", BALANCER_LISTEN="127.0.0.1:0",
                SECRETS_KEY_FILE=str(tmp_path / "secret.key"),
            )
            if not servers:
                server.prepare_database()
            server.start()
            exits.callback(server.stop)
            servers.append(server)
        front = Front(servers, ports, tmp_path)
        exits.callback(front.stop)
        wait_until(lambda: can_connect(front.place_of("web")))
        yield front


def wait_until(is_true):
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def can_connect(place):
    with contextlib.suppress(OSError), socket.create_connection(place, 5):
        return True
    return False


class Talker(threading.Thread):
    """Somebody who writes message after message, and comes back when the connection is gone."""

    def __init__(self, front, login, flow):
        super().__init__(daemon=True)
        self.front, self.login, self.flow = front, login, flow
        self.acknowledged = []
        self.breaks = 0
        self.may_end = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.may_end.is_set():
                try:
                    self.talk()
                except (OSError, WebSocketException):
                    self.breaks += 1
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def talk(self):
        client = Client(self.front.url)
        try:
            user = {"login": self.login, "password": PASSWORD}
            answer = client.request("authentication", {"user": [user]})
            if answer.code in (503, 504):
                return
            assert answer.code == 200, answer
            me = {"uuid": answer.users[0]["uuid"], "auth_id": answer.users[0]["auth_id"]}
            while not self.may_end.is_set():
                text = f"{self.login} {len(self.acknowledged)}"
                data = {"user": [me], "flow": [{"uuid": self.flow}], "message": [{"client_id": 1, "text": text}]}
                answer = client.request("send_message", data)
                assert answer.code in (200, 503, 504), answer
                if answer.code == 200:
                    self.acknowledged.append(text)
        finally:
            client.close()


def test_a_server_that_dies_under_load_takes_nobody_along(front):
    people = [Person(front, f"person-{number}", PASSWORD) for number in range(CLIENTS)]
    flow = people[0].make_flow(title="Everybody")
    talkers = [Talker(front, person.login, flow) for person in people]
    for person in people:
        person.client.close()
    for talker in talkers:
        talker.start()
    wait_until(lambda: all(len(talker.acknowledged) >= 5 for talker in talkers))

    front.servers[0].kill()
    counts = [len(talker.acknowledged) for talker in talkers]
    wait_until(lambda: all(
        talker.error or len(talker.acknowledged) >= count + MESSAGES_AFTERWARDS for talker, count in zip(talkers, counts)
    ))
    for talker in talkers:
        talker.may_end.set()
    for talker in talkers:
        talker.join(SECONDS)

    assert [talker.error for talker in talkers] == [None] * CLIENTS
    # The least connected server gets the next one, so each had its part; those of the two others went on undisturbed.
    undisturbed = [talker for talker in talkers if talker.breaks == 0]
    assert CLIENTS // 3 <= len(undisturbed) < CLIENTS
    reader = Person(front, "reader", PASSWORD)
    stored = read_all(reader, flow)
    reader.client.close()
    assert [text for talker in talkers for text in talker.acknowledged if text not in stored] == []


def read_all(person, flow):
    """The texts of a flow, page by page."""
    texts = []
    while True:
        answer = person.messages(flow, message_start=len(texts), message_end=len(texts) + 100)
        assert answer.code in (200, 206), answer
        if not answer.texts:
            return set(texts)
        texts += answer.texts


def test_messenger_clients_of_different_servers_reach_each_other(front):
    with contextlib.ExitStack() as exits:
        clients = []
        for login in ("anna", "ben", "carla"):
            client = messenger_client.Client(front)
            exits.callback(client.close)
            assert client.sign_up(login, PASSWORD).kind == "signed up"
            assert client.log_in(login, PASSWORD).kind == "logged in"
            clients.append(client)
        clients[0].add("ben")
        clients[0].send("ben", "through the proxy")
        assert clients[1].messages(1) == [("anna", "through the proxy")]

        addresses = front.servers[1].manage("user", "sessions", "anna", "--json").stdout
        assert '"127.0.0.1"' in addresses


def test_fastchat_clients_are_sent_to_the_proxy(front):
    host, port, sign = fastchat_client.ask_balancer(front.servers[0].place_of("Balancer"))
    assert (host, port) == front.place_of("FastChat")
    keys = rsa.newkeys(1024)
    with contextlib.ExitStack() as exits:
        clients = []
        for number in (101, 102, 103):
            client = fastchat_client.Client((host, port))
            exits.callback(client.close)
            assert client.register(number, PASSWORD, sign, keys)["response"] == 0
            clients.append(client)
        clients[0].write("through the proxy", 102)
        assert clients[1].message() == (101, None, "through the proxy")


def test_the_clients_of_a_server_that_drains_move_to_the_others(front):
    people = [Person(front, f"mover-{number}", PASSWORD) for number in range(len(NAMES))]
    assert front.servers[0].manage("node", "drain", "one").returncode == 0

    wait_until(lambda: sum(person.client.socket.close_code is not None for person in people) == 1)
    for person in people:
        if person.client.socket.close_code is not None:
            person.reconnect()
        assert person.authenticate().code == 200
        person.client.close()
