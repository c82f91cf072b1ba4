# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""messenger: every request, the pushes, and a bare `recv` for each unit."""

import itertools

import pytest

from messenger_client import ADD, CONTACTS, CR, SEND, Client

PASSWORD = "a pässword"
_numbers = itertools.count(1)


@pytest.fixture
def connect(server):
    """Opens connections that close with the test."""
    clients = []

    def open_one(to=server):
        clients.append(Client(to))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def sign_up(connect):
    """Makes an account that nobody else has; answers with its login."""

    def make(name="person", **members):
        login = f"{name}-m{next(_numbers)}"
        client = connect(**members)
        assert client.sign_up(login, PASSWORD).kind == "signed up"
        client.close()
        return login

    return make


@pytest.fixture
def enter(connect, sign_up):
    """A client that is logged in, as a new person or as one who exists."""

    def make(name="person", login=None, **members):
        login = login or sign_up(name, **members)
        client = connect(**members)
        client.login = login
        assert client.log_in(login, PASSWORD).kind == "logged in"
        return client

    return make


def test_sign_up_and_log_in_say_what_is_wrong(connect, sign_up):
    login = sign_up("anna")
    client = connect()

    assert client.sign_up(login.upper(), "other").kind == "login taken"
    assert client.log_in("nobody-at-all", PASSWORD).kind == "no such login"
    assert client.log_in(login, "wrong").kind == "wrong password"
    assert client.log_in(login, PASSWORD).kind == "logged in"


@pytest.mark.parametrize("email", ["nowhere", "a@b", "e" * 319])
def test_a_sign_up_with_what_is_no_email_is_refused(connect, email):
    login = f"no-email-m{next(_numbers)}"
    client = connect()

    answer = client.sign_up(login, PASSWORD, email)

    assert (answer.kind, answer.fields) == ("refused", [0])
    # Nothing was made: the login is free, and the connection goes on.
    assert client.log_in(login, PASSWORD).kind == "no such login"
    assert client.sign_up(login, PASSWORD, "alice@example.org").kind == "signed up"


@pytest.mark.parametrize("login", ["testclient", "SEED"])
def test_the_logins_of_the_servers_own_bots_are_taken(connect, login):
    assert connect().sign_up(login, PASSWORD).kind == "login taken"


def test_contacts_are_added_and_listed(enter, sign_up):
    anna, bob, offline = enter("anna"), enter("bob"), sign_up("carl")
    assert anna.contacts().kind == "no contacts"

    assert anna.add(bob.login).fields == [True]
    assert anna.add(offline).fields == [False]
    assert anna.add(bob.login).fields == [True]
    assert anna.add("nobody-at-all").kind == "no such user"

    assert sorted(anna.contacts()) == sorted([(bob.login, True), (offline, False)])


def test_messages_arrive_one_for_each_read(enter):
    anna, bob = enter("anna"), enter("bob")
    texts = [f"{number} 👋🏽\nline" for number in range(12)]
    for text in texts:
        anna.send(bob.login, text)
        anna.settle()

    assert [bob.push().fields for _ in texts] == [[anna.login, text] for text in texts]


def test_missed_messages_come_first_and_in_order(enter, sign_up):
    anna, login = enter("anna"), sign_up("bob")
    for number in range(5):
        anna.send(login, f"missed {number}")
        anna.settle()

    bob = enter(login=login)
    anna.send(login, "live")

    expected = [(anna.login, f"missed {number}") for number in range(5)] + [(anna.login, "live")]
    assert bob.messages(6) == expected
    assert bob.log_out().kind == "logged out"
    anna.send(login, "later")
    anna.settle()
    assert bob.log_in(login, PASSWORD).kind == "logged in"
    assert bob.messages(1) == [(anna.login, "later")]


def test_long_text_comes_in_parts(enter):
    anna, bob = enter("anna"), enter("bob")
    text = "äöü€👋" * 2000
    anna.send(bob.login, text)

    received = ""
    while len(received) < len(text):
        [(sender, part)] = bob.messages(1)
        assert sender == anna.login
        received += part

    assert received == text


def test_a_carriage_return_in_a_text_becomes_a_line_end(enter):
    anna, bob = enter("anna"), enter("bob")
    anna.send(bob.login, "one\rtwo\r\nthree")

    assert bob.messages(1) == [(anna.login, "one\ntwo\nthree")]


def test_contacts_are_told_of_coming_and_going(enter, sign_up):
    anna, login = enter("anna"), sign_up("bob")
    anna.add(login)

    bob = enter(login=login)
    told = anna.push().fields
    if told == [login, False]:
        # The server saw the end of the connection that signed up only after the contact was added.
        told = anna.push().fields
    assert told == [login, True]
    bob.close()
    assert anna.push().fields == [login, False]


def test_every_device_gets_every_push_but_not_its_own_messages(enter):
    first = enter("bob")
    second, anna = enter(login=first.login), enter("anna")
    first.send(anna.login, "mine")
    first.settle()
    anna.send(first.login, "yours")

    assert first.messages(1) == second.messages(1) == [(anna.login, "yours")]
    assert anna.messages(1) == [(first.login, "mine")]


def test_requests_that_come_together_are_told_apart(enter):
    anna, bob = enter("anna"), enter("bob")
    texts = ["one", "two", "three"]
    together = b"".join(SEND + anna.key + CR + bob.login.encode() + CR + text.encode() for text in texts)
    anna.write(together, ADD, anna.key, CR, bob.login)

    assert anna.answer().fields == [True]
    assert bob.messages(3) == [(anna.login, text) for text in texts]


@pytest.mark.parametrize("request_bytes", [b"\x07", b"\x01only", CONTACTS + b"\x01\x02\x03\x04", b"\x00a\r\xff\rb"])
def test_three_bad_requests_close_the_connection(connect, request_bytes):
    client = connect()

    for _ in range(3):
        client.write(request_bytes)
        unit = client.unit()
        assert (unit.kind, unit.fields) == ("refused", [request_bytes[0]])

    assert client.unit() is None


def test_what_cannot_be_delivered_is_refused(enter):
    anna = enter("anna")
    anna.send("nobody-at-all", "Hi")
    refused = anna.answer()
    anna.send("#999999999", "Hi")

    assert (refused.kind, refused.fields) == (anna.answer().kind, [SEND[0]])


def test_groups_are_shared_with_other_protocols(server, enter, register):
    anna = enter("anna")
    alice = register(server, "alice")
    # MTP knows people by number, which a chat of the two tells.
    anna.send(alice.login, "Hello")
    anna.settle()
    [chat] = [flow for flow in alice.all_flow().flows if flow["type"] == "chat"]
    assert alice.messages(chat["uuid"]).texts == ["Hello"]
    uuid = next(user for user in chat["users"] if user != alice.uuid)
    group = alice.make_flow(uuid, title="Friends")

    alice.say(chat["uuid"], "Hello back")
    alice.send(group, "all", file_picture="bytes of a picture")

    assert anna.messages(2) == [(alice.login, "Hello back"), (alice.login, "[Friends] all\n[picture]")]


def test_sign_up_needs_an_open_registration(start_server):
    server = start_server(REGISTRATION_MODE="closed")
    client = Client(server)

    assert client.sign_up("anna", PASSWORD).kind == "sign up refused"
    client.close()


def test_nothing_is_lost_when_the_server_starts_anew(start_server, connect, sign_up, enter):
    server = start_server()
    login = sign_up("bob", to=server)
    anna = enter("anna", to=server)
    bob = enter(login=login, to=server)
    anna.send(login, "before")
    assert bob.messages(1) == [(anna.login, "before")]
    bob.close()
    anna.send(login, "missed")
    anna.settle()

    server.stop()
    assert anna.unit() is None
    server.start()

    assert enter(login=login, to=server).messages(1) == [(anna.login, "missed")]
