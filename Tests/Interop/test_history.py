# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""all_messages and get_update: ranges, pages, the time and the cursor."""

import time

import pytest

FUTURE = int(time.time()) + 1_000_000


@pytest.fixture
def long_flow(alice, bob):
    """A group of Alice and Bob with 150 messages, named by their number."""
    flow = alice.make_flow(bob)
    answers = alice.pipeline(flow, [str(number) for number in range(150)])
    assert {answer.code for answer in answers} == {200}
    return flow


def texts(start, end):
    return [str(number) for number in range(start, end)]


def test_a_short_flow_comes_whole_and_in_order(alice, bob):
    flow = alice.make_flow(bob)
    alice.say(flow, "one", "two", "three")

    answer = bob.messages(flow)

    assert answer.code == 200
    assert answer.flows[0]["uuid"] == flow
    assert answer.texts == ["one", "two", "three"]
    times = [message["time"] for message in answer.messages]
    assert times == sorted(times)


def test_an_empty_flow_has_no_messages(alice, bob):
    answer = bob.messages(alice.make_flow(bob))

    assert answer.code == 200
    assert answer.messages == []


def test_a_long_flow_comes_in_part_with_its_total(bob, long_flow):
    answer = bob.messages(long_flow)

    # The page goes on to the end of its last second; all 150 may have been sent in one.
    assert answer.code == (200 if len(answer.messages) == 150 else 206)
    assert answer.texts == texts(0, len(answer.messages))
    assert len(answer.messages) >= 100
    if answer.code == 206:
        assert answer.flows[0]["message_end"] == 150
        rest = bob.messages(long_flow, message_start=len(answer.messages), message_end=150)
        assert answer.messages[-1]["time"] < rest.messages[0]["time"]


@pytest.mark.parametrize(("start", "end"), [(0, 100), (0, 1), (50, 150), (100, 150), (149, 150), (7, 20)])
def test_a_range_counts_from_zero_without_its_end(bob, long_flow, start, end):
    answer = bob.messages(long_flow, message_start=start, message_end=end)

    # The flow holds more than the limit, whatever part of it was asked for.
    assert answer.code == 206
    assert answer.texts == texts(start, end)


def test_the_first_hundred_of_more_is_partial_and_names_the_total(bob, long_flow):
    answer = bob.messages(long_flow, message_start=0, message_end=100)

    assert answer.code == 206
    assert answer.flows[0]["message_end"] == 150


def test_a_range_over_the_limit_is_forbidden(bob, long_flow):
    assert bob.messages(long_flow, message_start=0, message_end=101).code == 403
    assert bob.messages(long_flow, message_start=10, message_end=10_000_000_000).code == 403


def test_a_range_past_the_end_has_what_there_is(bob, long_flow):
    assert bob.messages(long_flow, message_start=140, message_end=240).texts == texts(140, 150)
    assert bob.messages(long_flow, message_start=1000, message_end=1100).messages == []


@pytest.mark.parametrize(("start", "end"), [(-1, 10), (10, 5), (-(2**63), 2**63 - 1), (2**63 - 1, -(2**63))])
def test_an_impossible_range_is_a_bad_request(bob, long_flow, start, end):
    assert bob.messages(long_flow, message_start=start, message_end=end).code == 400
    assert bob.ping().code == 200


def test_messages_older_than_the_time_are_left_out(alice, bob):
    flow = alice.make_flow(bob)
    alice.say(flow, "old")
    alice.wait_for_next_second()
    alice.say(flow, "new")
    newest = bob.messages(flow).messages[1]["time"]

    assert bob.messages(flow, time=newest).texts == ["new"]
    assert bob.messages(flow, time=newest, message_start=0, message_end=10).texts == ["new"]
    assert bob.messages(flow, time=newest, message_start=0, message_end=1).texts == []
    assert bob.messages(flow, time=newest - 3600).texts == ["old", "new"]
    assert bob.messages(flow, time=FUTURE).texts == []


def test_a_deleted_message_keeps_its_number(alice, bob):
    flow = alice.make_flow(bob)
    uuids = alice.say(flow, "0", "1", "2")
    alice.delete_message(flow, uuids[1])
    alice.edit(uuids[0], "zero")

    assert bob.messages(flow, message_start=0, message_end=1).texts == ["zero"]
    assert bob.messages(flow, message_start=1, message_end=2).texts == ["Message deleted"]
    assert bob.messages(flow, message_start=2, message_end=3).texts == ["2"]


def test_history_of_an_unknown_flow_or_one_of_others_is_not_found(alice, bob, carol):
    private = alice.make_flow(bob)

    for answer in (carol.messages(private), carol.messages("1"), carol.messages("not a number")):
        assert answer.code == 404
        assert answer.data is None


def test_a_public_flow_is_read_by_everyone(alice, carol):
    group, channel = alice.make_flow(), alice.make_flow(type="channel")
    alice.say(group, "for all")
    alice.say(channel, "news for all")

    assert carol.messages(group).texts == ["for all"]
    assert carol.messages(channel).texts == ["news for all"]


def test_the_limit_is_a_setting(start_server, register):
    alice = register(start_server(SERVER_LIMIT_MESSAGES="3"), "alice")
    flow = alice.make_flow()
    alice.say(flow, "0", "1", "2", "3")

    answer = alice.messages(flow, message_start=0, message_end=3)

    assert (answer.code, answer.texts) == (206, ["0", "1", "2"])
    assert answer.flows[0]["message_end"] == 4
    assert alice.messages(flow, message_start=0, message_end=4).code == 403


def test_an_update_holds_flows_messages_and_people(alice, bob):
    flow = alice.make_flow(bob, title="The flow")
    [uuid] = alice.say(flow, "The message")

    own = bob.updates(time=alice.messages(flow).messages[0]["time"])
    assert flow in [item["uuid"] for item in own.flows]
    [message] = [item for item in own.messages if item["uuid"] == uuid]
    assert (message["text"], message["from_user"], message["from_flow"]) == ("The message", alice.uuid, flow)
    assert abs(own.data["time"] - time.time()) < 600


def test_an_update_has_nothing_of_others(alice, bob, carol):
    cursor = carol.cursor()
    private, chat = alice.make_flow(bob), alice.make_flow(alice, bob, type="chat")
    public = alice.make_flow()
    for flow in (private, chat, public):
        alice.say(flow, f"in {flow}")

    answer = carol.updates_since(cursor)

    assert {flow["uuid"] for flow in answer.flows} & {private, chat, public} == {public}
    own_texts = {f"in {private}", f"in {chat}", f"in {public}"}
    assert [text for text in answer.texts if text in own_texts] == [f"in {public}"]


def test_an_update_from_the_future_is_empty(alice):
    answer = alice.updates(time=FUTURE)

    assert answer.code == 200
    assert answer.flows == answer.messages == answer.users == []


def test_time_is_inclusive(alice, bob):
    flow = alice.make_flow(bob)
    alice.say(flow, "at this second")
    second = bob.messages(flow).messages[0]["time"]

    assert "at this second" in bob.updates(time=second).texts
    assert "at this second" not in bob.updates(time=second + 1).texts


def test_a_cursor_is_exact_to_the_event(alice, bob):
    flow = alice.make_flow(bob)
    alice.say(flow, "before")
    cursor = bob.cursor()
    alice.say(flow, "after, in the same second perhaps")

    answer = bob.updates_since(cursor)

    assert answer.code == 200
    assert [text for text in answer.texts if "same second" in text or text == "before"] == [
        "after, in the same second perhaps"
    ]
    rest = bob.updates_since(answer.meta["since"])
    assert not [message for message in rest.messages if message["from_flow"] == flow]


def test_a_cursor_survives_a_new_connection(alice, bob):
    flow = alice.make_flow(bob)
    cursor = bob.cursor()
    bob.reconnect()
    alice.say(flow, "while away")

    assert "while away" in bob.updates_since(cursor).texts


def test_an_update_shows_edits_deletions_and_changed_people(alice, bob, server, register):
    flow = alice.make_flow(bob)
    edited, deleted = alice.say(flow, "tpyo", "secret")
    cursor = bob.cursor()
    alice.edit(edited, "typo")
    alice.delete_message(flow, deleted)

    seen = {message["uuid"]: message["text"] for message in bob.updates_since(cursor).messages}

    assert seen[edited] == "typo"
    assert seen[deleted] == "Message deleted"


def test_a_deleted_member_shows_in_an_update(alice, bob):
    alice.make_flow(bob)
    cursor = bob.cursor()
    alice.delete_account()

    users = {user["uuid"]: user for user in bob.updates_since(cursor).users}

    assert users[alice.uuid]["username"] == "User deleted"


@pytest.mark.parametrize("cursor", ["", "not a cursor", "999999999999999999999999", "-1", "\u2603"])
def test_a_foreign_cursor_is_refused(alice, cursor):
    answer = alice.updates_since(cursor)

    assert (answer.type, answer.code) == ("get_update", 400)
    assert alice.ping().code == 200


def test_pages_follow_each_other_without_gap_by_cursor_and_by_time(start_server, register):
    server = start_server(SERVER_LIMIT_MESSAGES="3")
    alice = register(server, "alice")
    flow = alice.make_flow()
    expected = []
    for second in range(4):
        expected += (names := [f"{second}.{number}" for number in range(2)])
        alice.say(flow, *names)
        alice.wait_for_next_second()

    by_cursor, pages = [], 0
    answer = alice.updates(time=0, meta={})
    by_cursor += answer.texts
    while answer.code == 206:
        answer = alice.updates_since(answer.meta["since"])
        by_cursor += answer.texts
        pages += 1
    by_time = []
    answer = alice.updates(time=0)
    by_time += answer.texts
    while answer.code == 206:
        # A page never ends inside a second, so the next one begins after the last it showed.
        answer = alice.updates(time=max(item["time"] for item in answer.messages + answer.flows) + 1)
        by_time += answer.texts

    assert pages >= 1
    assert by_cursor == expected
    assert by_time == expected


def test_every_flow_says_how_many_messages_it_holds(alice, bob, long_flow):
    flow = next(flow for flow in bob.all_flow().flows if flow["uuid"] == long_flow)

    assert (flow["message_start"], flow["message_end"]) == (0, 150)
