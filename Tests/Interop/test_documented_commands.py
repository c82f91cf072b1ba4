# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Every example of `--help` and every command of the README, as printed, on the built program, at a terminal of 80 columns.

An example may name what a reader has and the test makes: hosts, files, numbers. `World.stand_ins` says what stands for what;
nothing else is changed.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pexpect
import pytest

from documented_world import PASSWORD, SECONDS, check, fastchat_database, template, world_for
from server_process import BINARY

ROOT = Path(__file__).resolve().parents[2]


def help_examples():
    """The examples of all commands, continued lines joined."""
    dump = subprocess.run([BINARY, "--experimental-dump-help"], capture_output=True, text=True, check=True, timeout=SECONDS)
    found = {}

    def visit(command):
        for example in examples_in(command.get("discussion", "")):
            found.setdefault(example, None)
        for subcommand in command.get("subcommands", []):
            visit(subcommand)

    visit(json.loads(dump.stdout)["command"])
    return list(found)


def examples_in(discussion):
    """Every line below `Examples:`, which must be a command."""
    found = []
    for block in re.split(r"^Examples?:\n", discussion, flags=re.MULTILINE)[1:]:
        lines = block.split("\n\n")[0].replace("\\\n", " ").splitlines()
        found += [re.sub(r"\s+", " ", line.strip()) for line in lines]
    for line in found:
        assert re.search(r"(^| )manage ", line), f"no command: {line!r}"
    return found


def readme_commands():
    """Commands in the table of the README, each with what the row says."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("## What to try next"):text.index("## What it promises")]
    found = {}
    for command in re.findall(r"`((?:[A-Z]+=\S+ |echo \S+ \| )?\./manage [^`]*)`", table):
        found.setdefault(command.replace("./manage ", "manage "), None)
    return list(found)


def readme_dialogues():
    """The dialogues at the top of the README: for each command the lines that it prints."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```\n\$ \./(manage [^\n]*)\n(.*?)^```", text[:text.index("## Two commands")], re.MULTILINE | re.DOTALL)
    return {command: block.splitlines() for command, block in found}


@pytest.mark.parametrize("command", help_examples())
def test_an_example_of_help_does_what_it_says(world_for, command):
    if "| jq" in command and shutil.which("jq") is None:
        pytest.fail("jq is missing: Scripts/install-packages test")
    check(world_for(command), command)


@pytest.mark.parametrize("command", readme_commands())
def test_a_command_of_the_readme_does_what_it_says(world_for, command):
    check(world_for(command), command)


# A terminal colours words.
COLOR = r"(?:\x1b\[[0-9;]*[mK])*"


def pattern(line, world):
    """What a printed line looks like on this machine: another folder, another time, other ports, a path of the program."""
    parts = {
        r"/srv/parley/config\.ini": re.escape(str(world.folder / "config.ini")), r"\d\d:\d\d": r"\d\d:\d\d",
        r"127\.0\.0\.1:\d+": r"127\.0\.0\.1:\d+", r"\./manage ": r"\S*manage ", r"Parley [0-9.]+ ": r"Parley [0-9.]+ ", " +": r"\s+",
    }
    tokens = re.findall("|".join(parts) + "|.", line)
    words = (next((to for of, to in parts.items() if re.fullmatch(of, token)), re.escape(token)) for token in tokens)
    return COLOR.join(words)


def test_the_server_of_the_readme_prints_what_it_says(world_for):
    command = "manage runserver"
    printed = [line for line in readme_dialogues()[command] if line != "…" and not re.match(r"\d{4}-", line)]
    world = world_for(command)
    (world.folder / "config.ini").unlink()
    (world.folder / "chat.db").unlink()

    shown, status = world.run(command)

    assert status == 0, shown
    assert len(printed) == 11
    place = 0
    for line in printed:
        found = re.compile(pattern(line, world)).search(shown, place)
        assert found, f"{line!r} is not in its place in:\n{shown}"
        place = found.end()


def test_the_dialogues_of_the_readme_go_as_printed(world_for):
    (alice, alice_sees), (bob, bob_sees) = list(readme_dialogues().items())[1:]
    world = world_for(alice)

    def enter(command, lines):
        child = world.spawn(command)
        child.expect_exact(lines[0])
        child.sendline(PASSWORD)
        child.expect(pattern(lines[1], world))
        return child

    terminals = [(enter(alice, alice_sees), alice_sees), (enter(bob, bob_sees), bob_sees)]
    for speaker, line in enumerate(alice_sees[2:4]):
        terminals[speaker][0].send(line.split(": ", 1)[1] + "\r")
        for terminal, lines in terminals:
            assert line in lines
            terminal.expect(pattern(line, world))
    for terminal, lines in terminals:
        terminal.expect(pattern(lines[4], world))
        terminal.send("/quit\r")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0


def test_the_list_of_servers_fits_eighty_columns(world_for):
    world = world_for("manage config show")
    world.environment["PARLEY_CLUSTER_NODE"] = "n" * 64
    world.server.start()

    shown, status = world.run("manage node list")

    assert status == 0, shown
    lines = re.sub(COLOR, "", shown).splitlines()
    assert any("nnn" in line for line in lines), shown
    assert max(len(line) for line in lines) <= 80, shown


@pytest.mark.timeout(600)
def test_people_converse_over_mtp_beside_a_large_seed(world_for):
    command = "manage testclient chat --protocol mtp --login alice --to bob --password-file pw"
    world = world_for(command)
    seed = world.spawn("manage flow seed --users 100 --flows 20 --messages 100000")
    seed.expect(pexpect.EOF, timeout=500)
    seed.close()
    assert seed.exitstatus == 0

    child = world.spawn(command)
    child.expect_exact("bob> ")
    child.send("hello\r")
    child.expect(pattern("08:26 alice: hello", world))
    child.send("/quit\r")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    # It is in the chat of the two, after all that was seeded.
    last = world.manage("tail", "--once", "--last", "100")
    assert re.search(r" alice .* (alice, bob|bob, alice) .* message ", last), last
