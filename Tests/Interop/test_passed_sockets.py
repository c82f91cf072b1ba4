# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Sockets that listen before the server runs and after it, as systemd passes them: no connection is refused."""

import contextlib
import socket
import urllib.parse

import pytest

from messenger_client import CR, SIGN_UP, Client
from server_process import Failed, Server
from test_supervision import SECONDS, probe, until

PASSWORD = "a passed socket"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@contextlib.contextmanager
def asked(listener, path):
    """A connection that has sent its request, whether it is accepted or not."""
    with socket.create_connection(listener.getsockname(), timeout=SECONDS) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        yield client


def status_line(client):
    answer = b""
    while piece := client.recv(4096):
        answer += piece
    return answer.partition(b"\r\n")[0]


def test_connections_wait_for_the_start_and_for_a_restart(tmp_path, listener):
    with socket.create_server(("127.0.0.1", 0)) as scraped, socket.create_server(("127.0.0.1", 0)) as messenger:
        server = Server(tmp_path)
        server.sockets = {"metrics": scraped, "server": listener, "messenger": messenger}
        for start in range(2):
            server.addresses = {"messenger": "tcp://127.0.0.1:{}".format(messenger.getsockname()[1])}
            person = Client(server)
            person.write(SIGN_UP, CR, f"early-{start}", CR, PASSWORD)
            with asked(listener, "/livez") as early, asked(scraped, "/metrics") as scraper:
                server.start()
                assert status_line(early) == b"HTTP/1.1 200 OK"
                assert status_line(scraper) == b"HTTP/1.1 200 OK"
            assert person.answer().kind == "signed up"
            person.close()
            assert urllib.parse.urlsplit(server.url).port == listener.getsockname()[1]
            assert server.place_of("messenger")[1] == messenger.getsockname()[1]
            server.stop()
        text = "".join(server.output)
        assert text.count("Sockets of the service manager: server 127.0.0.1:") == 2
        errors = (tmp_path / "stderr.txt").read_text(encoding="utf-8")
        assert errors.count("Sockets were passed by the service manager") == 2
        # Port 0 of the settings says nothing else.
        assert "the socket counts" not in errors


def test_the_socket_counts_and_not_the_port(tmp_path, listener):
    server = Server(tmp_path)
    server.sockets = {"server": listener}
    port = listener.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as other:
        server.start("--port", str(other.getsockname()[1]))
    assert urllib.parse.urlsplit(server.url).port == port
    errors = (tmp_path / "stderr.txt").read_text(encoding="utf-8")
    assert f"listens on 127.0.0.1:{port}, and [SERVER], or --host and --port, say 127.0.0.1:" in errors
    server.environment["PARLEY_SERVER_PORT"] = str(port)
    doctor = server.manage("doctor").stdout
    assert f"Port {port} is served by Parley on a socket of the service manager" in doctor
    server.stop()


def test_a_server_that_starts_itself_again_keeps_its_sockets(tmp_path, listener):
    server = Server(tmp_path)
    server.sockets = {"server": listener}
    server.start("--reload")
    first = server.process.pid
    (tmp_path / "config.ini").write_text("[SERVER]\nNAME = New\n", encoding="utf-8")
    until(lambda: "".join(server.output).count("Sockets of the service manager: server 127.0.0.1:") == 2)
    assert probe(server.http_url + "/livez")[0] == 200
    assert server.process.poll() is None and server.process.pid == first
    server.stop()


def refusal(folder, **sockets):
    """The words with which a start ends that gets these sockets."""
    server = Server(folder)
    server.sockets = {name.replace("_", "."): passed for name, passed in sockets.items()}
    with pytest.raises(Failed) as failed:
        server.start()
    assert "the server ended with 78." in str(failed.value)
    assert not (folder / "chat.db").exists()
    return str(failed.value)


def test_sockets_that_cannot_be_served_are_refused(tmp_path, listener):
    assert "Set FileDescriptorName= of its socket unit to one of server, messenger" in refusal(
        tmp_path, parley_socket=listener)
    with socket.socket() as silent:
        assert "The socket 'server' that was passed does not listen." in refusal(tmp_path, server=silent)
    with socket.create_server(str(tmp_path / "parley.sock"), family=socket.AF_UNIX) as unix:
        assert "The socket 'metrics' that was passed is a Unix socket" in refusal(
            tmp_path, server=listener, metrics=unix)
    # Without TLS messenger is served to this machine alone unless the settings say so.
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        assert "Set [MESSENGER] ENABLED to on, or disable the socket unit." in refusal(tmp_path, messenger=everywhere)
