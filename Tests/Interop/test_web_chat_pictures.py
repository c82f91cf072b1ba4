# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures that are chosen on the chat page: made smaller, or refused with a sentence."""

import base64
import random
import struct
import zlib

import pytest
from selenium.webdriver.common.by import By

from test_web_chat import browser, chat_with, picture, server  # noqa: F401  pylint: disable=unused-import

LARGEST = 8 << 20
LARGEST_SIDE = 2048


def noise(width, height, alpha=None):
    """A PNG that cannot be compressed; with an alpha, all of it has that one."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def row():
        pixels = bytearray(chance.randbytes(samples * width))
        if alpha is not None:
            pixels[3::4] = bytes([alpha]) * width
        return b"\0" + pixels

    chance, samples = random.Random(1), 3 if alpha is None else 4
    rows = b"".join(row() for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if alpha is None else 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def size_of_jpeg(data):
    """Width and height as the header says."""
    place = 2
    while data[place + 1] not in (0xC0, 0xC1, 0xC2):
        place += 2 + struct.unpack(">H", data[place + 2:place + 4])[0]
    height, width = struct.unpack(">HH", data[place + 5:place + 9])
    return width, height


@pytest.fixture
def talk(server, browser, register):
    """A window in a conversation with a friend, and what the friend has got since."""
    window = browser()
    login = window.register(server, "painter")
    friend = register(server, "friend")
    flow = chat_with(friend, login)
    friend.say(flow, "show me")
    window.open_conversation(friend.login)
    window.sees("messages", "show me")
    return window, lambda: friend.messages(flow).messages[1:]


def choose(window, path, data):
    path.write_bytes(data)
    window.get("picture").send_keys(str(path))


def test_large_picture_is_made_smaller(talk, tmp_path):
    window, received = talk
    large = noise(3 * LARGEST_SIDE // 2, 300)
    assert len(large) > 1 << 20
    choose(window, tmp_path / "large.png", large)
    window.until(lambda: window.get("preview").is_displayed())
    assert not window.get("state").is_displayed()
    window.send("a large one")
    [message] = received()
    data = base64.b64decode(message["file_picture"])
    assert data.startswith(b"\xff\xd8") and len(data) < len(large)
    assert size_of_jpeg(data) == (LARGEST_SIDE, 200)
    # It is seen whole.
    image = window.until(lambda: window.driver.find_elements(By.CSS_SELECTOR, "#messages img"))[0]
    window.until(lambda: window.driver.execute_script("return arguments[0].naturalWidth", image) == LARGEST_SIDE)
    assert window.driver.execute_script("return arguments[0].getBoundingClientRect().right <= innerWidth", image)


def test_what_is_transparent_becomes_white(talk, tmp_path):
    window, received = talk
    choose(window, tmp_path / "transparent.png", noise(1000, 400, alpha=0))
    window.until(lambda: window.get("preview").is_displayed())
    window.send("nothing to see")
    assert base64.b64decode(received()[0]["file_picture"]).startswith(b"\xff\xd8")
    image = window.until(lambda: window.driver.find_elements(By.CSS_SELECTOR, "#messages img"))[0]
    window.until(lambda: window.driver.execute_script("return arguments[0].naturalWidth", image) == 1000)
    assert window.driver.execute_script("""
        const context = document.createElement("canvas").getContext("2d");
        context.drawImage(arguments[0], 0, 0);
        return [...context.getImageData(100, 100, 1, 1).data];
    """, image) == [255, 255, 255, 255]


def test_largest_picture_that_is_kept_as_it_is_arrives(talk, tmp_path):
    """Of an animation nothing is left out: it goes as it is, up to the limit of the page."""
    window, received = talk
    animation = b"GIF89a" + bytes(LARGEST - 6)
    choose(window, tmp_path / "animation.gif", animation)
    window.until(lambda: window.get("preview").is_displayed())
    window.send("an animation")
    [message] = received()
    assert base64.b64decode(message["file_picture"]) == animation


@pytest.mark.parametrize("name, data, sentence", [
    ("too-large.gif", b"GIF89a" + bytes(LARGEST), "The picture is too large."),
    ("notes.txt", b"no picture at all", "This is not a picture of a kind that is shown here (PNG, JPEG, GIF, WebP)."),
    ("renamed.png", b"%PDF-1.7 and so on", "This is not a picture of a kind that is shown here (PNG, JPEG, GIF, WebP)."),
    ("large.png", b"\x89PNG\r\n\x1a\n" + bytes(2 << 20), "This is not a picture of a kind"),
    ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>", "This is not a picture of a kind"),
    ("empty.png", b"", "This is not a picture of a kind"),
], ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "")
def test_other_file_is_refused_with_a_sentence(talk, tmp_path, name, data, sentence):
    window, received = talk
    choose(window, tmp_path / name, data)
    window.sees("state", sentence)
    assert not window.get("preview").is_displayed()
    window.send("words alone")
    assert [message.get("file_picture") for message in received()] == [None]
    # The next choice begins anew.
    choose(window, tmp_path / "square.png", picture())
    window.until(lambda: window.get("preview").is_displayed())
    assert not window.get("state").is_displayed()
    window.send("and a picture")
    assert base64.b64decode(received()[-1]["file_picture"]) == picture()
