# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""send_message, delete_message and edited_message."""

import base64
import os
import time

import pytest

from mtp_client import filled

FILES = ["file_picture", "file_video", "file_audio", "file_document", "emoji"]


@pytest.fixture
def group(alice, bob):
    """A private group of Alice, who owns it, and Bob."""
    return alice.make_flow(bob)


def test_a_sent_message_is_acknowledged_with_its_names(alice, group):
    answer = alice.send(group, "Hello!", client_id=1234)

    assert answer.code == 200
    message = filled(answer.messages[0])
    assert set(message) == {"uuid", "client_id", "from_user", "from_flow", "time"}
    assert (message["client_id"], message["from_user"], message["from_flow"]) == (1234, alice.uuid, group)
    assert abs(message["time"] - time.time()) < 600
    assert answer.data["time"] >= message["time"]


def test_a_message_reads_as_it_was_sent(alice, bob, group):
    noise = base64.b64encode(os.urandom(32)).decode()
    files = {name: f"{name}: \u00fc \U0001f680 \\ \" / \t\n {noise}" for name in FILES}
    text = 'He said "hello" \\ \u0442\u0435\u0441\u0442 \u6f22\u5b57 \U0001f468\u200d\U0001f469 e\u0301\r\n'

    uuid = alice.send(group, text, client_id=7, **files).messages[0]["uuid"]

    message = bob.messages(group).messages[0]
    assert (message["uuid"], message["text"]) == (uuid, text)
    assert (message["from_user"], message["from_flow"]) == (alice.uuid, group)
    assert {name: message[name] for name in FILES} == files
    assert not message.get("edited_status")


def test_a_large_file_comes_back_byte_for_byte(alice, bob, group):
    picture = base64.b64encode(os.urandom(1_500_000)).decode()

    assert alice.send(group, "A picture", file_picture=picture).code == 200

    assert bob.messages(group).messages[0]["file_picture"] == picture


def test_a_file_needs_no_text(alice, bob, group):
    data = {"flow": [{"uuid": group}], "message": [{"client_id": 1, "file_document": "the document"}]}

    assert alice.ask("send_message", data).code == 200

    assert bob.messages(group).messages[0]["file_document"] == "the document"


def test_the_published_form_with_a_message_uuid_is_accepted(alice, bob, group):
    message = {"uuid": "1", "client_id": 12, "text": "Hello!"}

    answer = alice.ask("send_message", {"flow": [{"uuid": group}], "message": [message], "meta": None})

    assert answer.code == 200
    assert bob.messages(group).messages[0]["uuid"] == answer.messages[0]["uuid"]


def test_every_message_has_a_uuid_of_its_own(alice, group):
    uuids = alice.say(group, *["the same text"] * 20)

    assert len(set(uuids)) == 20


@pytest.mark.parametrize("flow", ["1", "not a number", str(2**128)])
def test_an_unknown_flow_is_not_found(alice, flow):
    assert alice.send(flow).code == 404


def test_a_flow_of_others_is_not_found(carol, group):
    assert carol.send(group).code == 404


def test_a_message_needs_a_flow_and_a_message(alice, group):
    for data in (
        {}, {"flow": [], "message": [{"client_id": 1, "text": "x"}]}, {"flow": [{"uuid": group}]},
        {"flow": [{"uuid": group}], "message": []}, {"flow": [{}], "message": [{"client_id": 1, "text": "x"}]},
    ):
        assert alice.ask("send_message", data).code == 400


def test_in_a_channel_the_owner_alone_writes(alice, bob):
    channel = alice.make_flow(bob, type="channel")

    assert alice.send(channel, "News").code == 200
    assert bob.send(channel, "Me too").code == 403
    assert bob.messages(channel).texts == ["News"]


def test_in_a_public_group_everyone_writes_and_in_a_public_channel_its_owner(alice, bob):
    group, channel = alice.make_flow(), alice.make_flow(type="channel")

    assert bob.send(group, "Hi").code == 200
    assert bob.send(channel, "Hi").code == 403
    assert alice.messages(group).texts == ["Hi"]


def test_in_a_chat_both_write(alice, bob):
    chat = alice.make_flow(alice, bob, type="chat")

    alice.say(chat, "Hi")
    bob.say(chat, "Hello")

    assert alice.messages(chat).texts == bob.messages(chat).texts == ["Hi", "Hello"]


def test_text_with_a_zero_character_is_refused_and_the_connection_lives(alice, group):
    answer = alice.send(group, "before\u0000after")

    assert answer.code == 400
    assert alice.send(group, "fine").code == 200
    assert alice.messages(group).texts == ["fine"]


def test_a_deleted_message_is_emptied_and_keeps_its_place(alice, bob, group):
    first, second = alice.say(group, "one", "two")
    third = alice.send(group, "three", file_picture="picture").messages[0]["uuid"]

    answer = alice.delete_message(group, third)

    assert answer.code == 200
    assert answer.data is None
    messages = bob.messages(group).messages
    assert [message["uuid"] for message in messages] == [first, second, third]
    assert [message["text"] for message in messages] == ["one", "two", "Message deleted"]
    assert not any(messages[2].get(name) for name in FILES)
    assert messages[2]["edited_status"] is True


def test_deletion_leaves_no_older_text_of_an_edited_message(alice, bob, group):
    cursor = bob.cursor()
    [uuid] = alice.say(group, "the secret, first form")
    assert alice.edit(uuid, "the secret, second form").code == 200

    assert alice.delete_message(group, uuid).code == 200

    assert "secret" not in str(bob.messages(group).frame)
    update = bob.updates_since(cursor)
    assert "secret" not in str(update.frame)
    assert "Message deleted" in update.texts


def test_only_its_author_deletes_a_message(alice, bob, group):
    [uuid] = bob.say(group, "mine")

    assert alice.delete_message(group, uuid).code == 403
    assert alice.messages(group).texts == ["mine"]


def test_an_unknown_message_is_not_found(alice, bob, group):
    elsewhere = alice.make_flow(bob)
    [uuid] = alice.say(elsewhere, "in another flow")

    assert alice.delete_message(group, "1").code == 404
    assert alice.delete_message(group, uuid).code == 404
    assert alice.delete_message("1", uuid).code == 404
    assert alice.edit("1", "x").code == 404
    assert alice.messages(elsewhere).texts == ["in another flow"]


def test_a_message_of_a_flow_of_others_is_not_found(alice, carol, group):
    [uuid] = alice.say(group, "ours")

    assert carol.delete_message(group, uuid).code == 404
    assert carol.edit(uuid, "mine now").code == 404


def test_an_edited_message_has_its_new_text_and_says_so(alice, bob, group):
    uuid = alice.send(group, "tpyo", file_picture="picture").messages[0]["uuid"]

    answer = alice.edit(uuid, "typo")

    assert answer.code == 200
    assert answer.data is None
    [message] = bob.messages(group).messages
    assert (message["uuid"], message["text"]) == (uuid, "typo")
    assert message["edited_status"] is True
    assert message["edited_time"] >= message["time"]
    assert message["file_picture"] == "picture"


def test_an_edit_may_change_files_and_take_them_away(alice, bob, group):
    large = base64.b64encode(os.urandom(300_000)).decode()
    files = {name: f"old {name}" for name in FILES}
    uuid = alice.send(group, "text", **files).messages[0]["uuid"]

    assert alice.ask("edited_message", {"message": [{"uuid": uuid, "file_picture": large}]}).code == 200
    assert alice.edit(uuid, "other text", file_video="", emoji="new emoji").code == 200

    [message] = bob.messages(group).messages
    shown = {name: message.get(name) for name in FILES}
    assert shown == files | {"file_picture": large, "file_video": None, "emoji": "new emoji"}
    assert (message["text"], message["edited_status"]) == ("other text", True)


def test_old_clients_may_send_numbers_as_text_and_text_as_numbers(alice, bob, group):
    message = {"client_id": " 42 ", "text": 1984, "file_document": 2.5}

    answer = alice.ask("send_message", {"time": "0", "flow": [{"uuid": group}], "message": [message]})

    assert answer.code == 200
    assert answer.messages[0]["client_id"] == 42
    read = bob.ask("all_messages", {"time": 0.75, "flow": [{"uuid": group, "message_start": "0"}]})
    assert read.texts == ["1984"]
    assert read.messages[0]["file_document"] == "2.5"


def test_the_published_form_of_an_edit_with_client_id_is_accepted(alice, group):
    [uuid] = alice.say(group, "one")

    assert alice.edit(uuid, "two", client_id=123).code == 200
    assert alice.edit(uuid, "three").code == 200
    assert alice.messages(group).texts == ["three"]


def test_only_its_author_edits_a_message(alice, bob, group):
    [uuid] = bob.say(group, "mine")

    assert alice.edit(uuid, "yours").code == 403
    assert alice.messages(group).texts == ["mine"]


def test_edits_and_deletions_without_a_message_are_bad_requests(alice, group):
    assert alice.ask("edited_message", {}).code == 400
    assert alice.ask("edited_message", {"message": []}).code == 400
    assert alice.ask("delete_message", {"flow": [{"uuid": group}]}).code == 400
    assert alice.ask("delete_message", {"flow": [{"uuid": group}], "message": []}).code == 400
