# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The order of checks on every frame: parse, version, method, who asks. Nothing here may end the connection."""

import json

import pytest

from mtp_client import METHODS, Client, request_frame

AUTHENTICATED = [method for method in METHODS if method not in ("register_user", "authentication")]


def still_serves(client):
    return client.request("ping_pong", {"user": [{"uuid": "1", "auth_id": "x"}]}).code == 401


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "}", "not json", '{"type": "ping_pong"', '{"type": "ping_pong",}', "{'type': 'ping_pong'}",
        "[]", "null", "1", "true", '"ping_pong"', "[" * 20_000, '{"a":' * 5_000,
        '{"type": "ping_pong", "data": NaN}', '{"type": "\\ud800"}', '{"type": "ping_pong"} trailing', "\ufeff{}",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_not_a_json_object_is_an_unsupported_media_type(connection, text):
    answer = connection.raw(text)

    assert (answer.type, answer.code) == ("error", 415)
    assert answer.data is None
    assert still_serves(connection)


WRONG_MEMBERS = [
    {"type": True}, {"type": ["ping_pong"]}, {"data": 1}, {"data": "text"}, {"data": []},
    {"data": {"time": "now"}}, {"data": {"time": [1]}}, {"data": {"user": {}}}, {"data": {"user": "me"}},
    {"data": {"user": [1]}}, {"data": {"user": [{"login": True}]}},
    {"data": {"user": [{"password": ["x"]}]}}, {"data": {"flow": {}}}, {"data": {"flow": ["1"]}},
    {"data": {"flow": [{"title": []}]}}, {"data": {"flow": [{"users": "1"}]}}, {"data": {"flow": [{"users": [[]]}]}},
    {"data": {"flow": [{"message_start": "first"}]}}, {"data": {"user": [{"email": "nowhere"}]}}, {"data": {"message": {}}}, {"data": {"message": [0]}},
    {"data": {"message": [{"text": {}}]}}, {"data": {"message": [{"client_id": "one"}]}},
    {"data": {"message": [{"file_picture": {}}]}}, {"jsonapi": "1.0"}, {"jsonapi": []}, {"jsonapi": {"version": {}}},
]


@pytest.mark.parametrize("members", WRONG_MEMBERS, ids=json.dumps)
def test_a_member_of_the_wrong_type_is_an_unsupported_media_type(connection, members):
    answer = connection.raw(json.dumps(request_frame("ping_pong") | members))

    assert (answer.type, answer.code) == ("error", 415)
    assert still_serves(connection)


@pytest.mark.parametrize("missing", ["type", "jsonapi"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_missing_member_is_answered(connection, missing, how):
    frame = request_frame("ping_pong") | {missing: None}
    if how == "absent":
        del frame[missing]

    answer = connection.raw(json.dumps(frame))

    assert (answer.type, answer.code) == ("error", 415)
    assert still_serves(connection)


@pytest.mark.parametrize("version", ["0.9", "1.10", "2.0", "10.0", "0.10", 2, 0.9, 1e22])
def test_a_version_out_of_range_is_not_supported(alice, version):
    answer = alice.ping(version=version)

    assert (answer.type, answer.code) == ("error", 505)
    assert alice.ping().code == 200


@pytest.mark.parametrize("version", ["1.0", "1", "1.1", "1.9", "1.9.0", 1, 1.0, 1.5, 1.9])
def test_versions_up_to_1_9_are_spoken_also_as_numbers(alice, version):
    assert alice.ping(version=version).code == 200


@pytest.mark.parametrize("version", ["", "one", "1.x", "-1.0", "1e0", "9" * 400 + ".0"])
def test_a_version_that_is_no_version_is_refused(alice, version):
    answer = alice.ping(version=version)

    assert (answer.type, answer.code) == ("error", 505)
    assert alice.ping().code == 200


def test_versions_compare_as_numbers(start_server, register):
    server = start_server(API_VERSION_MIN_VERSION="1.0", API_VERSION_MAX_VERSION="1.10")
    alice = register(server, "alice")

    codes = {version: alice.ping(version=version).code for version in ("1.0", "1.2", "1.9", "1.10", "1.11", "1.100")}

    assert codes == {"1.0": 200, "1.2": 200, "1.9": 200, "1.10": 200, "1.11": 505, "1.100": 505}


@pytest.mark.parametrize("revision", ["1", "17", "99", None])
def test_the_revision_does_not_matter(alice, revision):
    frame = request_frame("ping_pong", {"user": [alice.identity]})
    frame["jsonapi"]["revision"] = revision

    assert alice.client.raw(json.dumps(frame)).code == 200


@pytest.mark.parametrize("method", ["", "PING_PONG", "ping-pong", "error", "drop_tables", "\u2603" * 1000])
def test_an_unknown_method_is_not_allowed(connection, method):
    answer = connection.request(method)

    assert (answer.type, answer.code) == ("error", 405)
    assert still_serves(connection)


def test_the_version_is_looked_at_before_the_method_and_the_method_before_the_person(connection):
    assert connection.request("drop_tables", version="9.9").code == 505
    assert connection.request("ping_pong", version="9.9").code == 505
    assert connection.request("drop_tables", {"user": [{"uuid": "1", "auth_id": "x"}]}).code == 405


@pytest.mark.parametrize("method", AUTHENTICATED)
def test_nobody_acts_without_saying_who_asks(connection, method):
    for data in (None, {}, {"user": None}, {"user": []}, {"user": [{}]}, {"user": [{"uuid": "1"}]}):
        answer = connection.request(method, data)

        assert (answer.type, answer.code) == (method, 401)


@pytest.mark.parametrize("method", AUTHENTICATED)
def test_nobody_acts_with_a_token_that_is_not_theirs(alice, bob, method):
    for identity in (
        {"uuid": alice.uuid, "auth_id": bob.auth_id}, {"uuid": "1", "auth_id": alice.auth_id},
        {"uuid": alice.uuid, "auth_id": ""}, {"uuid": alice.uuid}, {"auth_id": alice.auth_id},
        {"uuid": alice.uuid, "auth_id": alice.auth_id + "0"}, {"uuid": alice.uuid, "auth_id": "\u0000"},
    ):
        answer = alice.client.request(method, {"user": [identity]})

        assert (answer.type, answer.code) == (method, 401)


def test_who_asks_is_looked_at_before_what(alice, carol):
    private = alice.make_flow(alice)

    answer = carol.client.request(
        "send_message", {"user": [{"uuid": "1"}], "flow": [{"uuid": private}], "message": [{"client_id": 1}]}
    )

    assert answer.code == 401


def test_null_members_are_like_absent_ones(alice):
    frame = request_frame("ping_pong", {"user": [alice.identity | {"login": None}], "flow": None, "time": None})
    frame["errors"] = None

    assert alice.client.raw(json.dumps(frame)).code == 200


def test_meta_is_null_unless_the_request_has_one(alice):
    assert alice.ping().meta is None
    assert set(alice.ping(meta={}).meta) == {"since"}


def test_white_space_and_escapes_in_a_frame_mean_nothing(alice):
    text = json.dumps(request_frame("ping_pong", {"user": [alice.identity]}), indent=4)

    assert alice.client.raw("\r\n\t " + text.replace("ping", "\\u0070ing") + "\n").code == 200


def test_bad_frames_on_one_connection_leave_another_alone(server, alice):
    rude = Client(server.url)
    for text in ("{", "[]", '{"type": 1}'):
        rude.send_raw(text)

    assert alice.ping().code == 200
    assert [rude.answer().code for _ in range(3)] == [415, 415, 415]
    rude.close()
