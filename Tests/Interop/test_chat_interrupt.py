# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in `manage testclient chat` on the built program: the status is 130, every time and over every protocol."""

import pexpect
import pytest

from server_process import BINARY

TIMEOUT_SECONDS = 60
# It was another status in six of fifteen runs.
RUNS = 8


@pytest.mark.parametrize("protocol", ["mtp", "skaro", "messenger", "fastchat"])
def test_ctrl_c_ends_a_conversation_with_130(start_server, protocol):
    server = start_server()
    password = server.folder / "pw"
    password.write_text("a long password", encoding="utf-8")
    password.chmod(0o600)
    command = [
        "testclient", "chat", "--protocol", protocol, "--login", "7", "--password-file", str(password), "--no-color",
        "--config", str(server.config),
    ]
    statuses = []

    for run in range(RUNS):
        child = pexpect.spawn(
            BINARY, [*command, "--register"] if run == 0 else command, cwd=str(server.folder), env=server.environment,
            timeout=TIMEOUT_SECONDS, dimensions=(24, 200), encoding="utf-8")
        child.expect_exact("/help lists the commands.")
        child.send("\x03")
        child.expect(pexpect.EOF)
        child.close()
        statuses.append(child.exitstatus)

    assert statuses == [130] * RUNS
