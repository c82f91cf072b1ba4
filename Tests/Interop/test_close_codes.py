# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Connections that break the rules of WebSocket, or ask for more memory than there is, and the code they are closed with."""

import pytest

from mtp_client import TIMEOUT_SECONDS, Client
from test_connections import close_code

EMPTY_MASK = bytes(4)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x02{}", b"\xc1\x80" + EMPTY_MASK, b"\x83\x80" + EMPTY_MASK, b"\x80\x80" + EMPTY_MASK,
        b"\x09\x80" + EMPTY_MASK,
    ],
    ids=["no mask", "reserved bit", "unknown opcode", "continuation of nothing", "ping in parts"],
)
def test_what_is_no_websocket_closes_with_1002(connection, alice, frame):
    connection.socket.socket.sendall(frame)

    assert close_code(connection) == 1002
    assert alice.ping().code == 200


def test_a_message_without_room_closes_with_1013(start_server):
    server = start_server(SERVER_LIMIT_FRAME_BYTES="65536", SERVER_LIMIT_INBOUND_BYTES="65536")
    first, second = Client(server.url), Client(server.url)
    # The first part of a message that is not finished, and the end of it.
    part = b"\x01\xfe" + (59_000).to_bytes(2, "big") + EMPTY_MASK + b" " * 59_000
    end = b"\x80\x80" + EMPTY_MASK
    first.socket.socket.sendall(part)
    # It is answered after what came before it was read.
    assert first.socket.ping().wait(TIMEOUT_SECONDS)

    second.socket.socket.sendall(part)

    assert close_code(second) == 1013
    # Who came first is served.
    first.socket.socket.sendall(end)
    assert first.answer().code == 415
    first.close()
