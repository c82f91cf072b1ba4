# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""FastChat: every request, the encryption with other people's libraries, the bridge, and a bare `recv` for each unit."""

import itertools
import json
import os

import pytest
import rsa

from fastchat_client import Client, ask_balancer
from server_process import PostgresDatabase, Server

PASSWORD = "a pässword"
# As old clients have them.
KEY_BITS = 1024
BALANCER = {"BALANCER_LISTEN": "127.0.0.1:0"}
_numbers = itertools.count(100)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request, tmp_path_factory):
    """A server with a balancer, on a database of its own: the balancer names only this one."""
    database = None
    if request.param == "postgres":
        if "PARLEY_TEST_POSTGRES" not in os.environ:
            pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
        database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    server = Server(tmp_path_factory.mktemp("fastchat"), database, **BALANCER)
    if database:
        server.prepare_database()
    server.start()
    yield server
    server.stop()
    if database:
        database.drop()


@pytest.fixture(scope="module")
def key_pairs():
    """A few key pairs, as drawing one takes Python a while."""
    return [rsa.newkeys(KEY_BITS) for _ in range(3)]


@pytest.fixture(scope="module")
def fastchat(server):
    """The shared server's address with the balancer's signature for it."""
    return ask_balancer(server.place_of("Balancer"))


@pytest.fixture
def connect(fastchat):
    """Opens connections that close with the test."""
    clients = []

    def open_one(to=fastchat):
        clients.append(Client(to))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def enter(connect, fastchat, key_pairs):
    """A client that is logged in, as a new user or as one who exists."""

    def make(number=None, to=fastchat):
        client = connect(to)
        if number is None:
            number = next(_numbers)
            reply = client.register(number, PASSWORD, to[2], key_pairs[number % 3])
            assert reply["server_message"] == "Registered and Connected"
        else:
            reply = client.log_in(number, PASSWORD, to[2], key_pairs[number % 3])
            assert reply["server_message"] == "Succesful Login!"
        assert reply["response"] == 0
        return client

    return make


def settle(client):
    """Waits until everything that a client has sent is in the log: requests are done in order."""
    client.create_group()


def test_the_replies_are_word_for_word(connect, enter, fastchat, key_pairs):
    number = enter().number
    sign = fastchat[2]

    taken = connect()
    assert taken.register(number, PASSWORD, sign, key_pairs[0]) == {
        "type": "server reply", "server_message": "User already present! Choose different username", "response": 1}
    assert taken.unit() is None
    wrong = connect()
    assert wrong.log_in(number, "wrong", sign) == {
        "type": "server reply", "server_message": "Invalid Login! Authentication failed.", "response": 1}
    assert wrong.unit() is None
    unknown = connect().log_in(next(_numbers), PASSWORD, sign)
    assert unknown["server_message"] == "Invalid Login! Authentication failed."
    assert enter(number).number == number


def test_only_clients_of_the_balancer_are_let_in(connect, fastchat, key_pairs):
    forged = rsa.sign(f"{fastchat[0]}{fastchat[1]}".encode(), key_pairs[0][1], "SHA-256")

    for sign in ("", "no signature", forged.hex()):
        assert connect().register(next(_numbers), PASSWORD, sign, key_pairs[0]) is None


def test_numbers_from_a_milliard_on_cannot_be_chosen(connect, fastchat, key_pairs):
    reply = connect().register(1_000_000_000, PASSWORD, fastchat[2], key_pairs[0])

    assert reply["response"] == 1 and "1000000000" in reply["server_message"]


def test_close_before_the_log_in_and_log_out_after_it(connect, enter):
    early = connect()
    early.send({"type": "close", "user": "close", "password": "close"})
    assert early.unit() is None

    client = enter()
    client.command("close")
    assert client.unit() is None


def test_messages_and_pictures_reach_the_other(enter):
    anna, bob = enter(), enter()

    anna.write("grüße 🎈", bob.number)
    anna.write("iVBORw0KGgo=", bob.number, kind="img")
    bob.write("x" * 15_000, anna.number)

    assert bob.messages(2) == [(anna.number, None, "grüße 🎈"), (anna.number, None, "iVBORw0KGgo=")]
    assert anna.message() == (bob.number, None, "x" * 15_000)


def test_messages_arrive_as_they_were_written(enter):
    anna, bob = enter(), enter()
    written = {
        "type": "msg", "time": "yesterday", "dest": bob.number, "from": anna.number, "message": "not even base64",
        "isgroup": 0, "response": 0, "key": "neither", "mood": {"good": [True, None, 1.5]},
    }

    anna.send(written)

    assert bob.item() == written


def test_what_was_sent_to_someone_away_comes_first_and_once(enter):
    anna, bob = enter(), enter()
    group = anna.create_group(bob.number)
    assert bob.notice() == (group, f"You have been added to group {group} by {anna.number}")
    bob.close()
    for number in range(20):
        anna.write(f"direct {number}", bob.number)
        anna.write_to_group(f"group {number}", group)
    settle(anna)

    back = enter(bob.number)
    anna.write("new", bob.number)
    expected = [
        message for number in range(20)
        for message in ((anna.number, None, f"direct {number}"), (anna.number, group, f"group {number}"))
    ]
    assert back.messages(41) == expected + [(anna.number, None, "new")]
    # An answer is written when what was before it is acknowledged.
    back.keys(anna.number)
    back.close()
    anna.write("later", bob.number)
    settle(anna)

    assert enter(bob.number).message() == (anna.number, None, "later")


def test_requests_in_pieces_and_glued(enter):
    anna, bob = enter(), enter()
    request = json.dumps({
        "type": "msg", "time": "T", "dest": bob.number, "from": anna.number, "message": "C", "isgroup": 0,
        "response": 0, "key": "{[\"",
    }).encode()

    for byte in request:
        anna.send_raw(bytes([byte]))
    anna.send_raw(request * 10)

    assert [bob.item()["message"] for _ in range(11)] == ["C"] * 11


def test_groups_and_their_refusals(enter):
    anna, bob, carol = enter(), enter(), enter()
    group = anna.create_group(bob.number)
    bob.notice()

    def change(client, message, number):
        client.command(message, number, group=group, isgroup=1)

    assert set(bob.keys(group, is_group=1)) == {str(anna.number)}
    assert carol.keys(group, is_group=1) == -1
    assert "end to end" in anna.notice()[1] and "end to end" in bob.notice()[1]
    for client, message, number, words in [
        (bob, "add_to_group", carol.number, "only the admin"),
        (anna, "add_to_group", bob.number, "a member of the group already"),
        (carol, "add_to_group", carol.number, "no such group"),
        (anna, "add_to_group", next(_numbers), "no such user"),
        (bob, "remove_from_group", anna.number, "only the admin"),
        (anna, "remove_from_group", carol.number, "no member of the group"),
    ]:
        change(client, message, number)
        answer = client.notice()
        assert answer[0] == group and answer[1].startswith("Request refused: ") and words in answer[1]

    change(anna, "add_to_group", carol.number)
    assert carol.notice() == (group, f"You have been added to group {group} by {anna.number}")
    assert set(bob.keys(group, is_group=1)) == {str(anna.number), str(carol.number)}
    anna.notice()
    anna.write_to_group("to both", group)
    assert bob.message() == carol.message() == (anna.number, group, "to both")
    change(anna, "remove_from_group", bob.number)
    assert bob.notice() == (group, f"You have been removed from group {group} by {anna.number}")
    assert bob.keys(group, is_group=1) == -1
    anna.write_to_group("without bob", group)
    anna.write("to bob", bob.number)
    assert carol.message()[2] == "without bob"
    assert bob.message()[2] == "to bob"


@pytest.mark.parametrize(
    "request_text, words",
    [
        ('{"type": "msg"', None), ('{"type": "dance"}', "type must be"), ('{"type": "msg", "from": 1}', "message"),
        ('{"type":"keys","dest":"server","from":1,"message":2}', "from must be the user"),
        ('[{"type":"msg","isgroup":0}]', "[0].isgroup"), ("nonsense ", "a JSON object"), ("{nonsense}", "not a JSON"),
    ],
)
def test_bad_requests_are_told_and_nothing_more(enter, request_text, words):
    client = enter()

    client.send_raw(request_text.encode())
    if words is None:
        client.send_raw(b"}")
        words = "message is missing"

    group, text = client.notice()
    assert group == 0 and text.startswith("Request refused: ") and words in text
    assert client.keys(client.number) != -1


def test_three_unparseable_values_in_a_row_end_the_connection(enter):
    client = enter()

    for text in (b"{a}", b"{b}", b"{}", b"{c}", b"{d}"):
        client.send_raw(text)
    assert [client.notice()[1][:15] for _ in range(5)] == ["Request refused"] * 5
    assert client.keys(client.number) != -1
    for text in (b"{e}", b"{f}", b"{g}"):
        client.send_raw(text)

    assert [client.notice()[1][:15] for _ in range(3)] == ["Request refused"] * 3
    assert client.item() is None


@pytest.fixture
def pair(enter, alice):
    """A FastChat user, the number by which they know alice, and the chat of the two."""
    cursor = alice.cursor()
    anna = enter()
    users = {user["login"]: user["uuid"] for user in alice.updates_since(cursor).users}
    flow = alice.make_flow(alice, users[str(anna.number)], type="chat")
    alice.say(flow, "from mtp")
    number, group, text = anna.message()
    assert number > 1_000_000_000 and group is None and text == "from mtp"
    return anna, number, flow


def test_mtp_and_fastchat_write_to_each_other(pair, alice):
    anna, number, flow = pair

    anna.write("from fastchat", number)
    anna.write("iVBORw0KGgo=", number, kind="img")
    settle(anna)

    answer = alice.messages(flow)
    assert answer.texts == ["from mtp", "from fastchat", ""]
    assert answer.messages[2]["file_picture"] == "iVBORw0KGgo="


def test_what_cannot_be_opened_is_told_to_the_recipient_only(pair, alice):
    anna, number, flow = pair

    anna.send({
        "type": "msg", "time": "T", "dest": number, "from": anna.number, "message": "C", "isgroup": 0, "response": 0,
        "key": "K",
    })
    assert anna.keys(anna.number) != -1 and anna.items == []
    settle(anna)

    assert alice.messages(flow).texts == ["from mtp", "[unreadable message]"]


def test_what_is_end_to_end_is_closed_to_others(enter, alice):
    anna, bob = enter(), enter()
    cursor = alice.cursor()
    group = anna.create_group(bob.number)
    assert "is end to end" in anna.notice()[1]

    anna.write_to_group("secret", group)

    assert bob.message()[2] == "secret"
    assert alice.updates_since(cursor).messages == []


def test_a_group_of_both_kinds(pair, enter, alice):
    anna, number, _ = pair
    bob = enter()
    group = anna.create_group(bob.number, number)
    assert "is not end to end" in anna.notice()[1]
    bob.notice()
    assert "is not end to end" in bob.notice()[1]
    cursor = alice.cursor()

    anna.write_to_group("to all", group)

    assert bob.message() == (anna.number, group, "to all")
    [message] = alice.updates_since(cursor).messages
    assert message["text"] == "to all"
    alice.say(message["from_flow"], "from mtp")
    assert anna.message() == bob.message() == (number, group, "from mtp")


def test_without_the_bridge_there_is_no_key(start_server, enter, register, key_pairs):
    server = start_server(FASTCHAT_BRIDGE="off", **BALANCER)
    alice = register(server, "alice")
    anna = enter(to=ask_balancer(server.place_of("Balancer")))
    users = {user["login"]: user["uuid"] for user in alice.updates().users}
    flow = alice.make_flow(alice, users[str(anna.number)], type="chat")
    alice.say(flow, "hello")
    number = anna.message()[0]

    assert anna.keys(number) == -1
    anna.send({
        "type": "msg", "time": "T", "dest": number, "from": anna.number, "message": "C", "isgroup": 0, "response": 0,
        "key": "K",
    })

    assert "bridge is off" in anna.notice()[1]
    assert alice.messages(flow).texts == ["hello"]


def test_nobody_registers_where_registration_is_closed(start_server, connect, key_pairs):
    server = start_server(REGISTRATION_MODE="closed", **BALANCER)
    place = ask_balancer(server.place_of("Balancer"))

    reply = connect(place).register(7, PASSWORD, place[2], key_pairs[0])

    assert reply["response"] == 1 and "administrator" in reply["server_message"]


def test_what_was_sent_survives_a_new_start_of_the_server(start_server, enter):
    server = start_server(**BALANCER)
    place = ask_balancer(server.place_of("Balancer"))
    anna, bob = enter(to=place), enter(to=place)
    anna.write("read", bob.number)
    assert bob.message()[2] == "read"
    bob.keys(anna.number)
    bob.close()
    anna.write("not read", bob.number)
    settle(anna)

    server.stop()
    server.start()

    place = ask_balancer(server.place_of("Balancer"))
    assert enter(bob.number, to=place).message() == (anna.number, None, "not read")
