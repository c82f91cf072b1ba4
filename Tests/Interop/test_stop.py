# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""A stop with a delay and with connections that are closed one after the other."""

import contextlib
import json
import signal
import threading
import time

from websockets.exceptions import ConnectionClosed

import messenger_client
from mtp_client import Client, Person
from server_process import STOP_SECONDS, Server
from test_service_manager import Listener, next_with
from test_service_manager import until as messages_until
from test_supervision import probe, until

DELAY_SECONDS = 5
SPREAD_SECONDS = 4
# By chance alone all of the connections end within a quarter of the time once in a hundred million runs.
CONNECTIONS = 16


def test_a_stop_serves_on_for_its_delay(tmp_path):
    server = Server(tmp_path, SERVER_STOP_DELAY=f"{DELAY_SECONDS}s").start()
    anna = Person(server, "anna", "a password")
    flow = anna.make_flow()
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    until(lambda: probe(server.http_url + "/readyz")[0] == 503)
    assert probe(server.http_url + "/readyz")[1]["failed"] == ["draining"]
    [node] = json.loads(server.manage("node", "list", "--json").stdout)["nodes"]
    assert node["status"] == "draining"
    # Who is there and who comes, such as from a proxy that has not asked yet, are served.
    ben = Person(server, "ben", "a password")
    assert ben.send(ben.make_flow(), "I have just come.").code == 200
    assert anna.send(flow, "I was here before.").code == 200
    assert server.process.wait(STOP_SECONDS) == 0
    assert time.monotonic() - began >= DELAY_SECONDS
    with contextlib.suppress(ConnectionClosed):
        while True:
            anna.client.socket.recv(timeout=STOP_SECONDS)
    assert anna.client.socket.protocol.close_rcvd.code == 1001
    assert "Connect again" in anna.client.socket.protocol.close_rcvd.reason


def test_a_second_signal_ends_the_delay(tmp_path):
    server = Server(tmp_path, SERVER_STOP_DELAY="1h").start()
    server.process.send_signal(signal.SIGTERM)
    until(lambda: probe(server.http_url + "/readyz")[0] == 503)
    # Signals within a quarter of a second are one request, so one is sent until it counts.
    while server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert server.process.returncode == 128 + signal.SIGTERM


def test_connections_are_closed_one_after_the_other(tmp_path):
    server = Server(tmp_path, SERVER_STOP_SPREAD=f"{SPREAD_SECONDS}s", RATE_LIMIT_ENABLED="off").start()
    people = [Person(server, f"person{number}", "a password") for number in range(CONNECTIONS // 2)]
    flows = [person.make_flow() for person in people]
    streams = [messenger_client.Client(server) for _ in range(CONNECTIONS // 2)]
    ends, acknowledged = [], []
    lock = threading.Lock()

    def talk(person, flow):
        """Sends until the connection is closed, and then finds in order what was acknowledged."""
        count = 0
        try:
            while True:
                assert person.send(flow, str(count)).code == 200
                count += 1
        except ConnectionClosed:
            with lock:
                ends.append(time.monotonic())
                acknowledged.append((person, flow, count))

    def listen(stream):
        while stream.unit() is not None:
            pass
        with lock:
            ends.append(time.monotonic())

    threads = [threading.Thread(target=talk, args=pair) for pair in zip(people, flows)]
    threads += [threading.Thread(target=listen, args=(stream,)) for stream in streams]
    server.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(STOP_SECONDS)
    assert server.process.wait(STOP_SECONDS) == 0
    assert len(ends) == CONNECTIONS
    assert max(ends) - min(ends) > SPREAD_SECONDS / 4
    assert all(person.client.socket.protocol.close_rcvd.code == 1001 for person in people)
    assert max(count for _, _, count in acknowledged) > 0

    server.start()
    for person, flow, count in acknowledged:
        person.client = Client(server.url)
        texts = [text for text in person.messages(flow).texts if text is not None]
        assert texts[: min(count, 100)] == [str(number) for number in range(min(count, 100))]
    server.stop()


def test_the_service_manager_is_told_how_long_a_stop_takes(tmp_path):
    with contextlib.closing(Listener(str(tmp_path / "notify"))) as listener:
        server = Server(tmp_path, SERVER_STOP_DELAY="2s", SERVER_STOP_SPREAD="1s")
        server.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        server.start()
        messages_until(listener, "READY=1")
        server.process.send_signal(signal.SIGTERM)
        next_with(listener, "STOPPING=1")
        next_with(listener, "EXTEND_TIMEOUT_USEC=13000000")
        assert "WATCHDOG=1" in next_with(listener, "STATUS=Stopping in 2 s")
        assert server.process.wait(STOP_SECONDS) == 0
