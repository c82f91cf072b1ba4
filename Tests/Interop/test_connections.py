# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""WebSocket as other people's clients speak it: order, limits, closing, fragments."""

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from mtp_client import TIMEOUT_SECONDS, Client, request_frame


def close_code(client):
    """Reads until the server has closed, and returns its code."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.socket.recv(timeout=TIMEOUT_SECONDS)
    return closed.value.rcvd.code


def padded_ping(identity, size):
    """A valid request of exactly `size` bytes."""
    frame = request_frame("ping_pong", {"user": [identity]})
    frame["meta"] = None
    text = json.dumps(frame)
    return text + " " * (size - len(text))


def test_answers_leave_in_the_order_of_requests(alice, bob):
    flow = alice.make_flow(bob)
    texts = [str(number) for number in range(300)]

    answers = alice.pipeline(flow, texts)

    assert [answer.code for answer in answers] == [200] * 300
    assert [answer.messages[0]["client_id"] for answer in answers] == list(range(300))
    read = []
    for start in range(0, 300, 100):
        read += bob.messages(flow, message_start=start, message_end=start + 100).texts
    assert read == texts


def test_slow_and_quick_requests_keep_their_order(alice):
    data = {"user": [alice.identity]}
    password = {"user": [{"login": alice.login, "password": alice.password}]}
    requests = [("authentication", password), ("ping_pong", data), ("all_flow", data), ("ping_pong", data)] * 5

    for method, members in requests:
        alice.client.send(method, members)

    assert [alice.client.answer().type for _ in requests] == [method for method, _ in requests]


def test_a_request_after_a_send_sees_the_message(alice):
    flow = alice.make_flow()
    message = {"flow": [{"uuid": flow}], "message": [{"client_id": 1, "text": "seen at once"}]}
    alice.client.send("send_message", {"user": [alice.identity]} | message)
    alice.client.send("all_messages", {"user": [alice.identity], "time": 0, "flow": [{"uuid": flow}]})

    assert alice.client.answer().code == 200
    assert alice.client.answer().texts == ["seen at once"]


def test_many_people_write_into_one_flow_and_all_read_the_same(server, alice, register):
    flow = alice.make_flow()
    people = [register(server) for _ in range(8)]
    for person in people:
        for number in range(10):
            message = {"client_id": number, "text": f"{person.login}/{number}"}
            person.client.send(
                "send_message", {"user": [person.identity], "flow": [{"uuid": flow}], "message": [message]}
            )
    for person in people:
        assert [person.client.answer().code for _ in range(10)] == [200] * 10

    read = alice.messages(flow, message_start=0, message_end=80).texts

    assert len(read) == len(set(read)) == 80
    for person in people:
        own = [text for text in read if text.startswith(f"{person.login}/")]
        assert own == [f"{person.login}/{number}" for number in range(10)]
    assert all(person.messages(flow, message_start=0, message_end=80).texts == read for person in people)


def test_a_message_over_the_limit_closes_with_1009(start_server, register):
    server = start_server(SERVER_LIMIT_FRAME_BYTES="100000")
    alice = register(server, "alice")
    assert alice.ping().code == 200
    alice.client.send_raw(padded_ping(alice.identity, 100_000))
    assert alice.client.answer().code == 200

    alice.client.send_raw(padded_ping(alice.identity, 100_001))

    assert close_code(alice.client) == 1009


def test_the_limit_counts_all_fragments_together(start_server, register):
    server = start_server(SERVER_LIMIT_FRAME_BYTES="100000")
    alice = register(server, "alice")
    assert alice.ping().code == 200

    with pytest.raises(ConnectionClosed):
        alice.client.socket.send(" " * 10_000 for _ in range(100_000))

    assert close_code(alice.client) == 1009


def test_before_log_in_64_kib_are_allowed(server, alice):
    stranger = Client(server.url)
    stranger.send_raw(padded_ping({"uuid": "1", "auth_id": "x"}, 64 * 1024))
    assert stranger.answer().code == 401

    stranger.send_raw(padded_ping({"uuid": "1", "auth_id": "x"}, 64 * 1024 + 1))

    assert close_code(stranger) == 1009
    assert alice.ping().code == 200


def test_after_log_in_more_is_allowed(alice):
    assert alice.ping().code == 200

    alice.client.send_raw(padded_ping(alice.identity, 4_000_000))

    assert alice.client.answer().code == 200


def test_a_binary_frame_closes_with_1003(alice):
    alice.client.socket.send(json.dumps(request_frame("ping_pong")).encode())

    assert close_code(alice.client) == 1003


def test_text_that_is_not_utf_8_closes_with_1007(connection):
    connection.socket.send(b'{"type": "\xff\xfe"}', text=True)

    assert close_code(connection) == 1007


def test_a_fragmented_message_is_one_message(alice):
    text = json.dumps(request_frame("ping_pong", {"user": [alice.identity]}))

    alice.client.socket.send(text[index : index + 7] for index in range(0, len(text), 7))

    assert alice.client.answer().code == 200


def test_fragments_may_split_a_character(alice):
    flow = alice.make_flow()
    frame = request_frame(
        "send_message",
        {"user": [alice.identity], "flow": [{"uuid": flow}], "message": [{"client_id": 1, "text": "\U0001f600" * 9}]},
    )
    encoded = json.dumps(frame, ensure_ascii=False).encode()

    alice.client.socket.send((encoded[index : index + 1] for index in range(len(encoded))), text=True)

    assert alice.client.answer().code == 200
    assert alice.messages(flow).texts == ["\U0001f600" * 9]


def test_a_ping_frame_is_answered(connection):
    assert connection.socket.ping().wait(TIMEOUT_SECONDS)


def test_closing_is_answered_with_the_same_code(connection):
    connection.socket.close(4321, "bye")

    assert connection.socket.close_code == 4321
    assert connection.socket.protocol.close_rcvd.code == 4321


def test_no_compression_is_agreed_on(connection):
    assert connection.socket.protocol.extensions == []


def test_another_path_is_not_found(server):
    with pytest.raises(InvalidStatus) as refused:
        connect(server.url + "/elsewhere")

    assert refused.value.response.status_code == 404


def test_a_connection_that_leaves_in_the_middle_harms_nobody(server, alice, bob):
    flow = alice.make_flow(bob)
    stranger = Client(server.url)
    for _ in range(50):
        stranger.send("authentication", {"user": [{"login": "nobody-has-this", "password": "x"}]})
    stranger.socket.socket.close()

    assert bob.send(flow, "still here").code == 200
