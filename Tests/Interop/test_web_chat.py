# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The chat page in a real browser, with people of other protocols at the other end."""

import base64
import itertools
import os
import struct
import urllib.request
import zlib
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from page_findings import APPLICATION_FINDINGS
from parties import FastChatParty, MessengerParty, SkaroParty, new_keys
from server_process import Server

WAIT_SECONDS = 20
_numbers = itertools.count(1)


class Browser:
    """One headless window with a profile of its own."""

    def __init__(self, folder, width=1280, height=800):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en", f"--user-data-dir={folder}",
            f"--window-size={width},{height}", "--disable-background-networking",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # The certificates of the tests are signed by nobody.
        options.accept_insecure_certs = True
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        # A window is never narrower than 500 pixels; a telephone is.
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False,
        })

    def get(self, name):
        return self.driver.find_element(By.ID, name)

    def until(self, condition):
        """Waits until a condition holds; an element that the page has just replaced is looked up again."""

        def holds(_):
            try:
                return condition()
            except WebDriverException as error:
                # Chromium's word for an element that is replaced while its text is read.
                if "does not belong to the document" not in str(error):
                    raise
                return False

        wait = WebDriverWait(self.driver, WAIT_SECONDS, ignored_exceptions=[StaleElementReferenceException])
        return wait.until(holds)

    def sees(self, name, text):
        """Waits until an element shows a text."""
        return self.until(lambda: self.get(name).is_displayed() and text in self.get(name).text)

    def open(self, server):
        self.driver.get(server.home + "chat")
        self.until(lambda: self.get("welcome").is_displayed() or self.get("app").is_displayed())

    def enter(self, login, password="a password", register=False):
        if register:
            self.get("other-mode").click()
        for name, value in (("login", login), ("password", password)):
            self.get(name).clear()
            self.get(name).send_keys(value)
        self.get("enter").click()

    def register(self, server, name):
        login = f"{name}-{next(_numbers)}"
        self.open(server)
        self.enter(login, register=True)
        self.sees("own-name", login)
        return login

    def write_to(self, login):
        self.get("new-chat").click()
        self.get("people").send_keys(login, Keys.ENTER)
        self.sees("title", login)

    def send(self, text):
        self.get("text").send_keys(text, Keys.ENTER)
        self.sees("messages", text)

    def click(self, by, value, text=""):
        """Clicks the first element that is found and shows a text, as soon as there is one."""
        def clicks():
            found = next((element for element in self.driver.find_elements(by, value) if text in element.text), None)
            if found:
                found.click()
            return found

        self.until(clicks)

    def open_conversation(self, title):
        self.click(By.CLASS_NAME, "row", title)
        self.sees("title", title)

    def emulate(self, scheme, width=None, height=900):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}],
        })
        if width:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False,
            })

    @property
    def problems(self):
        """What the console complained of: scripts, loads, violations of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), BALANCER_LISTEN="127.0.0.1:0")
    server.start()
    server.home = server.addresses["Home page"]
    yield server
    server.stop()


@pytest.fixture(scope="module")
def keys():
    return new_keys()


@pytest.fixture
def browser(tmp_path):
    """Starts windows, and finds at the end that none of them complained of anything."""
    browsers = []

    def start(**size):
        browsers.append(Browser(tmp_path / f"profile-{len(browsers)}", **size))
        return browsers[-1]

    yield start
    problems = [problem for one in browsers for problem in one.problems]
    for one in browsers:
        one.driver.quit()
    assert problems == []


def picture():
    """A red square, as PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_two_windows_talk(server, browser):
    one, other = browser(), browser()
    alice, bob = one.register(server, "alice"), other.register(server, "bob")
    one.write_to(bob)
    one.sees("subtitle", "online")
    one.send("Hello from the first window")
    other.until(lambda: other.driver.title == "(1) Parley")
    other.open_conversation(alice)
    other.sees("messages", "Hello from the first window")
    other.until(lambda: other.driver.title == "Parley")
    other.send("And back")
    one.sees("messages", "And back")


def test_wrong_password_is_said(server, browser):
    window = browser()
    login = window.register(server, "carol")
    window.get("log-out").click()
    window.until(lambda: window.get("welcome").is_displayed())
    window.get("other-mode").click()
    window.enter(login, "not the password")
    window.sees("welcome-notice", "Login or password is wrong.")
    window.enter(login)
    window.sees("own-name", login)


def test_session_survives_a_reload_and_ends_with_logging_out(server, browser):
    window = browser()
    login = window.register(server, "dave")
    session = window.driver.execute_script("return localStorage.getItem('parley.session')")
    window.driver.refresh()
    window.sees("own-name", login)
    window.get("log-out").click()
    window.until(lambda: window.get("welcome").is_displayed())
    # Not only forgotten by the browser: the server refuses it.
    window.driver.execute_script("localStorage.setItem('parley.session', arguments[0])", session)
    window.driver.refresh()
    window.sees("welcome-notice", "You have been logged out.")


def test_what_people_write_stays_text(server, browser, register):
    window = browser()
    login = window.register(server, "erin")
    mallory = register(server, "mallory", username="<img src=x onerror=alert(1)>")
    attack = "<script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\"> javascript:alert(1)"
    mallory.say(chat_with(mallory, login), attack)
    window.open_conversation("<img src=x")
    window.sees("messages", attack)
    assert window.driver.title == "Parley"
    assert window.driver.find_elements(By.CSS_SELECTOR, "#messages img, #messages script, #messages a") == []


def chat_with(person, login):
    """The conversation of a person with the window of that login."""
    [user] = person.ask("user_info", {"asked": [{"login": login}]}).users
    return person.make_flow(person, user["uuid"], type="chat")


def test_history_loads_by_scrolling_up(server, browser, register):
    window = browser()
    login = window.register(server, "frank")
    writer = register(server, "writer")
    flow = chat_with(writer, login)
    writer.say(flow, *(f"line {number:03}" for number in range(120)))
    window.open_conversation(writer.login)
    window.sees("messages", "line 119")
    window.until(lambda: "line 070" in window.get("messages").text)
    assert "line 000" not in window.get("messages").text
    window.until(
        lambda: window.driver.execute_script("document.getElementById('messages').scrollTop = 0; return true")
        and "line 000" in window.get("messages").text
    )
    lines = [line for line in window.get("messages").text.split("\n") if line.startswith("line ")]
    assert lines == [f"line {number:03}" for number in range(120)]


def test_nothing_is_missed_while_the_server_is_away(tmp_path, browser, register):
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(folder)
    server.start()
    try:
        server.home = server.addresses["Home page"]
        window = browser()
        login = window.register(server, "grace")
        writer = register(server, "writer")
        flow = chat_with(writer, login)
        writer.say(flow, "before")
        window.open_conversation(writer.login)
        window.sees("messages", "before")
        port = server.home.rsplit(":", 1)[1].strip("/")
        server.stop()
        window.sees("state", "No connection")
        server.environment["PARLEY_SERVER_PORT"] = port
        server.start()
        writer.server = server
        writer.reconnect()
        writer.say(flow, "after")
        window.sees("messages", "after")
        window.until(lambda: not window.get("state").is_displayed())
        assert [line for line in window.get("messages").text.split("\n") if line in ("before", "after")] == [
            "before", "after",
        ]
        # The browser reports the connections that were refused meanwhile; nothing else.
        assert all("ERR_CONNECTION_REFUSED" in problem for problem in window.problems)
    finally:
        server.stop()


def test_pictures_go_both_ways(server, browser, register, tmp_path):
    window = browser()
    login = window.register(server, "heidi")
    friend = register(server, "friend")
    flow = chat_with(friend, login)
    assert friend.send(flow, "look", file_picture=base64.b64encode(picture()).decode()).code == 200
    window.open_conversation(friend.login)
    image = window.until(lambda: window.driver.find_elements(By.CSS_SELECTOR, "#messages img"))[0]
    window.until(lambda: window.driver.execute_script("return arguments[0].naturalWidth", image) == 8)

    path = tmp_path / "square.png"
    path.write_bytes(picture())
    window.get("picture").send_keys(str(path))
    window.until(lambda: window.get("preview").is_displayed())
    window.send("mine")
    received = friend.messages(flow).messages
    assert base64.b64decode(received[-1]["file_picture"]) == picture()
    assert received[-1]["text"] == "mine"


def test_people_of_other_protocols_are_reached(server, browser, keys):
    window = browser()
    window.register(server, "ivan")
    for kind in (SkaroParty, MessengerParty, FastChatParty):
        party = kind(server, keys)
        party.arrive()
        try:
            window.write_to(party.login)
            window.send(f"hello {party.protocol}")
            party.read_until(f"hello {party.protocol}")
        finally:
            party.leave()


def test_small_window_shows_one_thing_at_a_time(server, browser, register):
    window = browser(width=360, height=740)
    login = window.register(server, "judy")
    friend = register(server, "friend")
    friend.say(chat_with(friend, login), "on a phone")
    window.open_conversation(friend.login)
    assert not window.get("conversations").is_displayed()
    assert window.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    window.get("back").click()
    window.until(lambda: window.get("conversations").is_displayed())


def test_language_is_switched(server, browser):
    window = browser()
    window.open(server)
    assert window.get("enter").text == "Log in"
    window.driver.find_element(By.CSS_SELECTOR, "#welcome .language").click()
    window.until(lambda: window.get("enter").text == "Anmelden")
    assert window.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "de"


@pytest.mark.parametrize("path", ["chat", "chat/chat.js", "chat/chat.css"])
def test_page_may_load_and_run_only_its_own(server, path):
    with urllib.request.urlopen(server.home + path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


def test_every_control_has_a_name(server, browser):
    window = browser()
    window.register(server, "kim")
    window.get("new-group").click()
    unnamed = window.driver.execute_script("""
        const named = (e) => e.textContent.trim() || e.ariaLabel || [...(e.labels || [])].some((l) => l.textContent.trim());
        return [...document.querySelectorAll('button, input, textarea, a')].filter((e) => !named(e)).map((e) => e.outerHTML);
    """)
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_can_be_read_and_named(server, browser, register, scheme, width):
    window = browser(width=width)
    window.emulate(scheme, width)
    findings = {}

    def look(name):
        findings[name] = window.driver.execute_script(APPLICATION_FINDINGS)

    window.driver.get(server.home)
    look("home")
    window.open(server)
    look("login")
    login = window.register(server, "lena")
    look("nothing yet")
    friend = register(server, "friend")
    friend.say(chat_with(friend, login), "the first line", "x" * 300)
    window.until(lambda: friend.login in window.get("conversations").text)
    look("conversations")
    window.open_conversation(friend.login)
    window.sees("messages", "the first line")
    window.send("an answer")
    look("conversation")
    assert {name: found for name, found in findings.items() if found} == {}


@pytest.mark.skipif("PARLEY_SCREENSHOTS" not in os.environ, reason="PARLEY_SCREENSHOTS names no folder")
def test_screenshots(server, browser, register):
    """Writes pictures of home page and chat for the documents, at 1280 and 360 pixels."""
    folder = Path(os.environ["PARLEY_SCREENSHOTS"])
    window = browser()
    window.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    login = window.register(server, "mila")
    friend = register(server, "nils", username="Nils")
    flow = chat_with(friend, login)
    friend.say(flow, "Who brings the lanterns?", "I have eight of them.")
    window.open_conversation("Nils")
    window.send("Then I bring the cake.")
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            window.emulate(scheme, width, 800)
            window.driver.save_screenshot(str(folder / f"chat-{width}-{scheme}.png"))
    for width in (1280, 360):
        window.emulate("light", width, 800)
        window.driver.get(server.home)
        window.driver.save_screenshot(str(folder / f"home-{width}-light.png"))
