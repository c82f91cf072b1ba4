# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The blocks of commands in docs/operations.md, line by line as printed: the service is the test's own server, `sudo` nobody."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from documented_world import PASSWORD, check, fastchat_database, template, world_for
from mtp_client import Client
from reference_servers import make_morelia, sqlobject_uri

ROOT = Path(__file__).resolve().parents[2]

# Lines that are not run here, and why.
NOT_RUN = {
    "./manage --version": "it builds the program that is tested",
    "Scripts/package": "Scripts/check-package makes the package",
    "sudo apt-get install ./.build/parley_0.1.0_amd64.deb": "Scripts/check-package installs it on a bare Debian, as root",
    "sudo apt-get install ./.build/parley_0.2.0_amd64.deb": "Scripts/check-package upgrades there",
}
RESTART = "sudo systemctl restart parley"


def blocks():
    """Each block's lines, without those that are not run. What begins with a section is a unit or settings, no commands."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = [block.splitlines() for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    found = [block for block in found if not block[0].startswith("[")]
    assert set(NOT_RUN) <= {line for block in found for line in block}, "an exception is not in the document any more"
    return {left[0]: left for block in found if (left := [line for line in block if line not in NOT_RUN])}


def setting(world, key):
    return world.manage("config", "get", key).strip()


def logins(world):
    return {user["login"] for user in json.loads(world.manage("user", "list", "--json"))["users"]}


def there_is_an_administrator(world):
    assert [person["username"] for person in json.loads(world.manage("superuser", "list", "--json"))["superusers"]] == ["admin"]


def others_are_served_and_need_an_invitation(world):
    # The server would not be there if it listened on 127.0.0.1 as before.
    with contextlib.closing(Client(re.sub(r"//[^:/]+:", "//127.0.0.2:", world.server.url))) as client:
        refused = client.request("register_user", {"user": [{"login": "stranger", "password": PASSWORD}]})
    assert refused.code == 403, refused


def there_is_a_backup_and_a_schedule(world):
    assert len(json.loads(world.manage("backup", "list", "--json"))["backups"]) == 1
    assert setting(world, "BACKUP.SCHEDULE") == "daily 03:30"


def the_settings_are_those_of_before(world):
    assert setting(world, "SERVER.NAME") == "Parley"


def the_running_server_keeps_groups_for_a_year(world):
    # Without an age the command goes by what the server has in force.
    assert "of type group older than 365 days" in world.manage("message", "expire", "--dry-run")


def people_have_moved_in(world):
    # The first one was only tried.
    assert logins(world) >= {"ben", "7", "newcomer"} and "ann" not in logins(world)


# What is so after a block, by its first line.
EFFECTS = {
    "sudo manage superuser-create --username admin": there_is_an_administrator,
    "sudo manage config set SERVER.HOST 0.0.0.0": others_are_served_and_need_an_invitation,
    "sudo manage db backup": there_is_a_backup_and_a_schedule,
    "sudo manage config save before-upgrade": the_settings_are_those_of_before,
    "sudo manage message expire --group 365d --dry-run": the_running_server_keeps_groups_for_a_year,
    "sudo manage import morelia - --dry-run < morelia-address.txt": people_have_moved_in,
}


def run(world, line):
    if line == RESTART:
        world.server.stop()
        world.server.start()
        return
    saved = [path.name for path in world.folder.iterdir() if path.name.endswith("-before-upgrade")]
    assert line.startswith("sudo manage "), line
    line = line.removeprefix("sudo ")
    if "20260131-235959-before-upgrade" in line:
        line = line.replace("config.ini.20260131-235959-before-upgrade", saved[0])
        # What an upgrade is followed by, and a reader wants to undo.
        world.manage("config", "set", "SERVER.NAME", "Changed")
    check(world, line)


@pytest.mark.parametrize("first", blocks())
def test_a_block_of_commands_does_what_it_says(world_for, first):
    world = world_for("manage reload")
    if "import" in first:
        world.make_database()
        make_morelia(
            sqlobject_uri(world.database.uri),
            {"users": [{"uuid": "111", "login": "ann", "password": PASSWORD}], "flows": [], "messages": [], "admins": []})
        (world.folder / "morelia-address.txt").write_text(world.database.uri + "\n")

    for line in blocks()[first]:
        run(world, line)

    EFFECTS[first](world)
