# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""add_flow and all_flow: who is in, who sees what."""

import time

import pytest


def test_a_private_group_is_complete_and_holds_its_owner(alice, bob):
    answer = alice.add_flow("group", "Friends", "Where we talk", [bob])

    assert answer.code == 200
    flow = answer.flows[0]
    assert (flow["type"], flow["title"], flow["info"]) == ("group", "Friends", "Where we talk")
    assert flow["owner"] == alice.uuid
    assert set(flow["users"]) == {alice.uuid, bob.uuid}
    assert abs(flow["time"] - time.time()) < 600
    assert answer.data["time"] >= flow["time"]


def test_naming_oneself_in_a_group_adds_one_only_once(alice, bob):
    flow = alice.add_flow("group", users=[alice, bob, bob]).flows[0]

    assert sorted(flow["users"]) == sorted([alice.uuid, bob.uuid])


@pytest.mark.parametrize("type", ["group", "channel"])
def test_a_flow_without_users_is_public(alice, bob, type):
    created = alice.add_flow(type, f"Public {type}").flows[0]

    seen = {flow["uuid"]: flow for flow in bob.all_flow().flows}

    assert created["users"] == []
    assert seen[created["uuid"]]["title"] == f"Public {type}"


def test_a_private_flow_is_seen_by_its_members_alone(alice, bob, carol):
    uuid = alice.make_flow(bob)

    assert uuid in [flow["uuid"] for flow in bob.all_flow().flows]
    assert uuid in [flow["uuid"] for flow in alice.all_flow().flows]
    assert uuid not in [flow["uuid"] for flow in carol.all_flow().flows]


def test_two_people_have_one_chat(alice, bob):
    first = alice.add_flow("chat", users=[alice, bob])

    again = alice.add_flow("chat", "Another title", users=[bob, alice])
    from_other_side = bob.add_flow("chat", users=[bob, alice])

    assert first.code == again.code == from_other_side.code == 200
    assert again.flows[0]["uuid"] == from_other_side.flows[0]["uuid"] == first.flows[0]["uuid"]
    assert set(first.flows[0]["users"]) == {alice.uuid, bob.uuid}
    assert len([flow for flow in bob.all_flow().flows if flow["type"] == "chat"]) == 1


def test_a_chat_needs_exactly_two_different_people(alice, bob, carol):
    for users in ([], [alice], [alice, alice], [alice, bob, carol], [bob, carol]):
        assert alice.add_flow("chat", users=users).code == 400


@pytest.mark.parametrize("type", ["party", "", "CHAT", None])
def test_a_wrong_type_is_a_bad_request(alice, type):
    assert alice.add_flow(type).code == 400


@pytest.mark.parametrize("type", ["group", "channel", "chat"])
@pytest.mark.parametrize("unknown", ["1", "not a number"])
def test_an_unknown_user_is_not_found_and_nothing_is_left_behind(server, register, type, unknown):
    alice = register(server)
    before = {flow["uuid"] for flow in alice.all_flow().flows}

    answer = alice.add_flow(type, users=[alice, unknown])

    assert answer.code == 404
    assert answer.data is None
    left = [flow for flow in alice.all_flow().flows if flow["uuid"] not in before]
    assert [flow for flow in left if flow["owner"] == alice.uuid] == []


def test_nobody_makes_a_flow_for_another_owner(alice, bob):
    assert alice.add_flow("group", users=[bob], owner=bob.uuid).code == 403


def test_a_flow_request_without_a_flow_is_a_bad_request(alice):
    for data in ({}, {"flow": None}, {"flow": []}):
        assert alice.ask("add_flow", data).code == 400


def test_all_flow_is_not_found_when_there_is_none(start_server, register):
    alice = register(start_server(), "alice")

    answer = alice.all_flow()

    assert answer.code == 404
    assert answer.data is None


def test_all_flow_shows_complete_flows_and_the_time(alice, bob):
    uuid = alice.make_flow(bob, title="Shown", info="Completely")

    answer = bob.all_flow()

    assert answer.code == 200
    assert abs(answer.data["time"] - time.time()) < 600
    flow = next(flow for flow in answer.flows if flow["uuid"] == uuid)
    assert (flow["type"], flow["title"], flow["info"], flow["owner"]) == ("group", "Shown", "Completely", alice.uuid)


def test_titles_keep_every_character(alice):
    title = 'Kaffee & "Kuchen" \u2603 \U0001f600 \u0627\u0644\u0633\u0644\u0627\u0645 \\ <b>'

    uuid = alice.make_flow(title=title)

    assert next(flow for flow in alice.all_flow().flows if flow["uuid"] == uuid)["title"] == title


def test_all_flow_shows_the_oldest_thousand_and_says_that_there_are_more(start_server, register):
    alice = register(start_server(RATE_LIMIT_ENABLED="off"), "alice")
    flow = {"type": "group", "title": "One of many", "owner": alice.uuid, "users": [alice.uuid]}
    for _ in range(1000):
        alice.client.send("add_flow", {"user": [alice.identity], "flow": [flow]})
    uuids = [alice.client.answer().flows[0]["uuid"] for _ in range(1000)]
    assert alice.all_flow().code == 200

    last = alice.make_flow(alice)
    answer = alice.all_flow()

    assert (answer.code, answer.detail) == (206, "Only the oldest 1000 flows are shown; get_update shows all.")
    assert [flow["uuid"] for flow in answer.flows] == uuids
    page = alice.updates(meta={})
    shown = page.flows
    while page.code == 206:
        page = alice.updates_since(page.meta["since"])
        shown += page.flows
    assert [flow["uuid"] for flow in shown] == [*uuids, last]
