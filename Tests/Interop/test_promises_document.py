# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""docs/promises.md names tests that there are."""

import collections
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "promises.md"
ROW = re.compile(r"^\| (?!Promise \|)(?P<promise>.+?) \| (?P<tests>.+) \|$", re.MULTILINE)
NAME = re.compile(r"`(?P<place>[\w.]*)::(?P<test>\w+)`")


def named_tests():
    """Each promise with the places and names of its tests, in the order of the page."""
    for row in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        place, names = "", []
        for name in NAME.finditer(row["tests"]):
            place = name["place"] or place
            names.append((place, name["test"]))
        yield row["promise"], names


@pytest.fixture(scope="module")
def suites():
    """The suites that are in a file with a test of a name."""
    found = collections.defaultdict(set)
    for path in (ROOT / "Tests").rglob("*.swift"):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"\b(?:struct|class|actor|enum|extension) (\w+)", text)
        for test in re.findall(r"\bfunc (\w+)\(", text):
            found[test].update(names)
    return found


def is_there(place, test, suites):
    if not place.endswith(".py"):
        return place in suites[test]
    path = ROOT / "Tests" / "Interop" / place
    return path.exists() and re.search(rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_test_that_is_named_is_there(suites):
    missing = [
        f"{place}::{test}" for _, names in named_tests() for place, test in names if not is_there(place, test, suites)]
    assert missing == []


def test_nearly_every_promise_names_a_test():
    promises = list(named_tests())
    assert len(promises) > 150
    # What the checks of .ci/run and its scripts show by themselves.
    assert sum(not names for _, names in promises) <= 8
