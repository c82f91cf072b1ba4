# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Push: what reaches an open connection, and how a client goes on after losing it."""

import pytest


def switch_on(person):
    answer = person.ping(meta={"push": True})
    assert answer.code == 200
    return answer.meta["since"]


def pushed_texts(person, count):
    """The texts of the next pushes until `count` messages have come."""
    texts = []
    while len(texts) < count:
        push = person.client.push()
        assert push.type == "get_update"
        assert push.code == 200
        texts += push.texts
    return texts


@pytest.fixture
def group(alice, bob):
    return alice.make_flow(bob)


def test_a_message_is_pushed_with_all_of_it(alice, bob, group):
    switch_on(bob)
    uuid = alice.send(group, "Hello!", file_picture="picture").messages[0]["uuid"]

    push = bob.client.push()

    assert push.type == "get_update"
    assert push.meta["push"] is True and push.meta["since"]
    [message] = push.messages
    assert (message["uuid"], message["text"], message["file_picture"]) == (uuid, "Hello!", "picture")
    assert (message["from_user"], message["from_flow"]) == (alice.uuid, group)


def test_nothing_is_pushed_before_it_is_asked_for(alice, bob, group):
    alice.say(group, "unseen")

    assert bob.ping().code == 200
    assert bob.client.pushed == []


def test_messages_are_pushed_in_order_and_each_once(alice, bob, group):
    switch_on(bob)
    texts = [str(number) for number in range(200)]
    alice.pipeline(group, texts)

    assert pushed_texts(bob, 200) == texts


def test_what_a_connection_did_itself_is_not_pushed_to_it(alice, bob, group):
    switch_on(alice)
    alice.say(group, "my own")
    bob.say(group, "his")

    assert pushed_texts(alice, 1) == ["his"]


def test_what_another_connection_of_the_same_person_did_is_pushed(server, alice, group):
    switch_on(alice)
    first = alice.client
    alice.client = type(first)(server.url)
    alice.say(group, "from my other device")
    alice.client.close()
    alice.client = first

    assert pushed_texts(alice, 1) == ["from my other device"]


def test_what_others_may_not_see_is_not_pushed_to_them(alice, bob, carol, group):
    public = alice.make_flow()
    switch_on(carol)
    alice.say(group, "private")
    alice.say(public, "for all")

    assert pushed_texts(carol, 1) == ["for all"]


def test_a_new_flow_is_pushed_to_its_members(alice, bob):
    switch_on(bob)
    uuid = alice.make_flow(bob, title="Come in")

    seen = {}
    while uuid not in seen:
        seen |= {flow["uuid"]: flow for flow in bob.client.push().flows}

    flow = seen[uuid]
    assert flow["title"] == "Come in"
    assert set(flow["users"]) == {alice.uuid, bob.uuid}


def test_edits_and_deletions_are_pushed(alice, bob, group):
    edited, deleted = alice.say(group, "tpyo", "secret")
    switch_on(bob)
    alice.edit(edited, "typo")
    alice.delete_message(group, deleted)

    seen = {}
    while len(seen) < 2:
        seen |= {message["uuid"]: message["text"] for message in bob.client.push().messages}

    assert seen == {edited: "typo", deleted: "Message deleted"}


def test_push_begins_exactly_after_the_answer_that_switched_it_on(alice, bob, group):
    alice.say(group, "before")
    since = switch_on(bob)
    alice.say(group, "after")

    assert pushed_texts(bob, 1) == ["after"]
    assert bob.updates_since(since).texts == ["after"]


def test_any_request_switches_it_on(alice, bob, group):
    assert bob.ask("all_flow", {}, meta={"push": True}).code == 200
    alice.say(group, "Hi")

    assert pushed_texts(bob, 1) == ["Hi"]


def test_a_refused_request_does_not_switch_it_on(alice, bob, group):
    genuine, bob.auth_id = bob.auth_id, "not the token"
    assert bob.ping(meta={"push": True}).code == 401
    bob.auth_id = genuine
    alice.say(group, "Hi")

    assert bob.ping().code == 200
    assert bob.client.pushed == []


def test_after_a_lost_connection_nothing_is_missing_and_nothing_double(alice, bob, group):
    switch_on(bob)
    alice.say(group, *(str(number) for number in range(5)))
    received, since = [], None
    while len(received) < 5:
        push = bob.client.push()
        received, since = received + push.texts, push.meta["since"]
    bob.client.socket.socket.close()
    alice.say(group, *(str(number) for number in range(5, 10)))

    bob.reconnect()
    answer = bob.ask("get_update", {}, meta={"since": since, "push": True})
    received += answer.texts
    alice.say(group, "10")
    received += pushed_texts(bob, 1)

    assert received == [str(number) for number in range(11)]


def test_answers_and_pushes_share_a_connection(alice, bob, group):
    switch_on(bob)
    texts = [str(number) for number in range(100)]
    alice.pipeline(group, texts)

    answers = [bob.ping() for _ in range(20)]

    assert {answer.code for answer in answers} == {200}
    assert pushed_texts(bob, 100) == texts


def test_a_reader_who_stops_reading_catches_up_from_the_log(start_server, register):
    server = start_server(SERVER_LIMIT_OUTBOUND_BYTES="64 KiB", RATE_LIMIT_ENABLED="off")
    alice, bob = register(server, "alice"), register(server, "bob")
    flow = alice.make_flow(bob)
    switch_on(bob)
    texts = [f"{number}:" + "x" * 20_000 for number in range(1_000)]
    for start in range(0, len(texts), 50):
        answers = alice.pipeline(flow, texts[start : start + 50])
        assert {answer.code for answer in answers} == {200}

    # Bob has read nothing until now: some 20 MB were more than any buffer holds.
    assert pushed_texts(bob, len(texts)) == texts
