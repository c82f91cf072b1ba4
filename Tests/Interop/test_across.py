# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""People on different protocols, each with a client that is not ours, in the same conversations."""

import os

import pytest

import fastchat_client
from parties import PROTOCOLS, new_keys
from server_process import PostgresDatabase, Server


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request, tmp_path_factory):
    """A server with a balancer on a database of its own, as FastChat's clients come by the balancer."""
    database = None
    if request.param == "postgres":
        if "PARLEY_TEST_POSTGRES" not in os.environ:
            pytest.skip("PARLEY_TEST_POSTGRES is not set; Scripts/test sets it")
        database = PostgresDatabase(os.environ["PARLEY_TEST_POSTGRES"])
    server = Server(tmp_path_factory.mktemp("across"), database, BALANCER_LISTEN="127.0.0.1:0")
    if database:
        server.prepare_database()
    server.start()
    yield server
    server.stop()
    if database:
        database.drop()


@pytest.fixture(scope="module")
def keys():
    return new_keys()


@pytest.fixture
def person(server, keys):
    """Makes people by their protocol; who is still here goes with the test."""
    people = []

    def make(protocol):
        people.append(PROTOCOLS[protocol](server, keys))
        return people[-1]

    yield make
    for one in people:
        one.leave()


PAIRS = [(sender, reader) for sender in PROTOCOLS for reader in PROTOCOLS]


@pytest.mark.parametrize(("sender", "reader"), PAIRS)
def test_a_message_reaches_somebody_who_is_here_and_the_answer_comes_back(person, sender, reader):
    one, other = person(sender), person(reader)
    one.arrive()
    other.arrive()

    one.write(other, "Hello, grüß Gott \U0001f600!")
    assert other.read_until("Hello, grüß Gott \U0001f600!") == one.login

    other.write(one, "Thank you")
    assert one.read_until("Thank you") == other.login


@pytest.mark.parametrize(("sender", "reader"), PAIRS)
def test_messages_wait_in_order_for_somebody_who_comes_later(person, sender, reader):
    one, other = person(sender), person(reader)
    one.arrive()
    texts = [f"{number}: while you were away" for number in range(3)]
    for text in texts:
        one.write(other, text)
    one.leave()

    other.arrive()

    assert [other.read() for _ in texts] == [(one.login, text) for text in texts]


def test_one_group_has_a_member_on_each_protocol(person):
    members = {protocol: person(protocol) for protocol in PROTOCOLS}
    for member in members.values():
        member.arrive()
    founder = members["fastchat"]
    group = founder.client.create_group(*(member.number for member in members.values() if member is not founder))

    # Who founded it writes first: the others learn of the group by that.
    for writer in [founder, members["mtp"], members["skaro"], members["messenger"]]:
        writer.group = group
        text = f"from {writer.protocol}"
        writer.write_to_group(text)
        for reader in members.values():
            if reader is writer:
                continue
            sender, shown = reader.read()
            assert sender == writer.login
            if reader.protocol == "messenger":
                assert shown.startswith("[") and shown.endswith(f"] {text}")
            else:
                assert shown == text


@pytest.mark.parametrize("reader", ["skaro", "messenger", "fastchat"])
def test_a_picture_becomes_words_where_it_cannot_be_shown(person, reader):
    one, other = person("mtp"), person(reader)
    one.arrive()
    other.arrive()
    flow = one.person.make_flow(one, other, type="chat")

    one.person.send(flow, "", file_picture="aGVsbG8=")
    one.person.send(flow, "Look!", file_picture="aGVsbG8=")

    assert other.read() == (one.login, "[picture]")
    assert other.read() == (one.login, "Look!\n[picture]")


@pytest.mark.parametrize("reader", ["mtp", "skaro", "messenger"])
def test_what_is_encrypted_between_others_is_no_garbage(person, reader):
    """A group's message that is encrypted end to end says so to whoever has no part of it."""
    founder, friend, third = person("fastchat"), person("fastchat"), person(reader)
    for one in (founder, friend, third):
        one.arrive()
    group = founder.client.create_group(friend.number, third.number)
    only_friend = founder.client.keys(friend.number)
    message, key = fastchat_client.encrypt("for the friend alone", only_friend[str(friend.number)])

    founder.client.send([{
        "type": "msg", "time": fastchat_client.TIME, "dest": friend.number, "group": group, "from": founder.number,
        "message": message, "isgroup": 1, "response": 0, "key": key,
    }])

    assert friend.read() == (founder.login, "for the friend alone")
    sender, text = third.read()
    assert sender == founder.login
    assert text.endswith("[encrypted message]")
