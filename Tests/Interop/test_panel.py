# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The admin panel in a real browser, with people who chat meanwhile."""

import base64
import hmac
import os
import re
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of

from page_findings import FINDINGS
from parties import PASSWORD as PARTY_PASSWORD
from parties import SkaroParty
from server_process import Server
from test_web_chat import Browser, chat_with

ADMINISTRATOR = "anna"
PASSWORD = "a long enough secret"

PAGES = ["", "/users", "/users/new", "/flows", "/flows/new", "/messages", "/invites", "/nodes", "/administrators", "/audit", "/log",
         "/backups", "/settings", "/settings/change?key=SERVER.NAME"]

class Panel(Browser):
    """A browser in front of the admin panel."""

    def __init__(self, server, folder, scripts=True, **size):
        super().__init__(folder, **size)
        self.address = server.home + "admin"
        if not scripts:
            self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    def show(self, path=""):
        self.driver.get(self.address + path)

    def is_at(self, heading):
        """Waits for the page with a heading."""
        return self.until(lambda: self.driver.find_element(By.TAG_NAME, "h1").text == heading)

    def says(self, *parts):
        """Waits for a page with some texts, and gives all that it says."""
        def read():
            text = self.text
            return text if all(part in text for part in parts) else None

        return self.until(read)

    @property
    def text(self):
        return self.until(lambda: [self.driver.find_element(By.TAG_NAME, "main").text])[0]

    def fill(self, **fields):
        for name, value in fields.items():
            self.get(name).clear()
            self.get(name).send_keys(value)

    def press(self, text):
        self.click(By.XPATH, f"//main//button[normalize-space()='{text}']")

    def follow(self, text):
        self.click(By.LINK_TEXT, text)

    def log_in(self, password=PASSWORD):
        self.show("/login")
        self.fill(username=ADMINISTRATOR, password=password)
        form = self.get("password")
        self.press("Log in")
        # Otherwise the answer may come after the page that is asked for next, and take its place.
        self.until(lambda: staleness_of(form)(self.driver))
        return self


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    done = server.manage(
        "superuser-create", "--username", ADMINISTRATOR, "--login", ADMINISTRATOR, "--password-stdin", stdin=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    server.home = server.addresses["Home page"]
    yield server
    server.stop()


@pytest.fixture
def panel(server, tmp_path):
    """Opens browsers, and finds at the end that none of them complained of anything but refused logins."""
    browsers = []

    def start(**options):
        browsers.append(Panel(server, tmp_path / f"panel-{len(browsers)}", **options))
        return browsers[-1]

    yield start
    problems = [problem for one in browsers for problem in one.problems if "status of 4" not in problem]
    for one in browsers:
        one.driver.quit()
    assert problems == []


def test_start_names_the_panel(server):
    assert server.addresses["Admin panel"] == server.home + "admin"


def test_wrong_password_and_right_one(panel):
    browser = panel()
    browser.show()
    assert browser.is_at("Log in")
    browser.log_in("not it")
    assert browser.says("The name, the password or the code is wrong.")
    assert browser.get("username").get_attribute("value") == ADMINISTRATOR
    browser.fill(password=PASSWORD)
    browser.press("Log in")
    assert browser.is_at("Overview")
    assert browser.driver.get_cookie("parley_admin")["httpOnly"]
    browser.click(By.CSS_SELECTOR, ".who button")
    assert browser.is_at("Log in")
    browser.show("/users")
    assert browser.is_at("Log in")


def code_of(address, seconds):
    """The six digits that an authenticator shows for an otpauth address, as RFC 6238 says."""
    fields = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    secret = fields["secret"]
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(seconds) // int(fields.get("period", 30))), "sha1")
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place:place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def test_second_factor_is_asked_for(server, panel):
    for words, stdin in (
        (["superuser-create", "--username", "clara", "--login", "clara", "--password-stdin"], PASSWORD + "\n"),
        (["superuser-totp", "clara", "enable"], None),
    ):
        done = server.manage(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
    address = re.search(r"otpauth://\S+", done.stdout)[0]
    browser = panel()
    browser.show("/login")
    browser.fill(username="clara", password=PASSWORD)
    browser.press("Log in")
    assert browser.says("The name, the password or the code is wrong.")
    browser.fill(password=PASSWORD, code=code_of(address, time.time()))
    browser.press("Log in")
    assert browser.is_at("Overview")


def test_log_moves_and_stays_text(server, panel, register):
    browser = panel().log_in()
    browser.show("/log?level=DEBUG")
    browser.until(lambda: "new ones appear by themselves" in browser.get("log-state").text)
    urllib.request.urlopen(server.home + "balance?<script>document.title='taken'</script>".replace("<", "%3C")).close()
    browser.until(lambda: "GET /balance" in browser.get("log").text)
    assert browser.driver.title.startswith("Log")
    assert browser.driver.find_elements(By.CSS_SELECTOR, "#log script, #log img") == []


def test_backup_is_made_and_seen(server, panel):
    browser = panel().log_in()
    browser.show("/backups")
    browser.press("Make a backup")
    browser.until(lambda: "Verify" in browser.get("live").text and ".tar.gz" in browser.get("live").text)
    browser.until(lambda: "done" in browser.get("live").text)


def test_setting_is_changed_without_scripts(server, panel):
    browser = panel(scripts=False).log_in()
    browser.show("/settings")
    browser.click(By.CSS_SELECTOR, "[aria-label='Change SERVER.NAME']")
    assert browser.is_at("SERVER.NAME")
    browser.fill(value="The <b>Garden</b>")
    browser.press("Save")
    assert browser.says("Saved, and in force.")
    assert browser.driver.title.endswith("The <b>Garden</b>")
    browser.show("/settings/change?key=SERVER.NAME")
    browser.press("Go back to the default")
    browser.until(lambda: browser.driver.title.endswith("Parley"))


class CreatedParty(SkaroParty):
    """A person whose account an administrator makes in the panel."""

    def __init__(self, server, browser):
        self.browser = browser
        super().__init__(server, None)

    def sign_up(self):
        self.browser.follow("Users")
        self.browser.follow("New user")
        self.browser.fill(login=self.login, username="New Comer", password=PARTY_PASSWORD)
        self.browser.press("Create the user")
        assert self.browser.is_at(self.login)
        assert self.browser.says("Created.")


def test_user_who_is_created_chats(server, panel, register):
    browser = panel().log_in()
    party = CreatedParty(server, browser)
    party.arrive()
    try:
        friend = register(server, "friend")
        friend.say(chat_with(friend, party.login), "welcome to the server")
        assert party.read_until("welcome to the server") == friend.login
        browser.show("/users/show?login=" + party.login)
        assert browser.says("skaro", "connected")
        # Logged out here, gone there.
        browser.press("Log out everywhere")
        assert browser.says("Logged out.")
        assert browser.says("No session is open.")
    finally:
        party.leave()


def test_script_in_a_message_stays_text(server, panel, register):
    script = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    writer = register(server, "writer", username=script)
    flow = writer.make_flow(title=script[:60])
    writer.say(flow, f"{script} unmistakable")
    browser = panel().log_in()
    browser.show("/flows")
    browser.driver.find_elements(By.CSS_SELECTOR, "tbody th a")[-1].click()
    assert browser.says(f"{script} unmistakable")
    assert browser.is_at(script[:60])
    browser.show("/users?search=writer")
    assert browser.says(script)
    assert browser.driver.title != "taken"
    assert browser.driver.find_elements(By.CSS_SELECTOR, "main script, main img") == []


@pytest.mark.parametrize("path", ["/users", "/flows", "/audit"])
def test_way_back_to_the_first_page_is_on_later_pages_only(panel, path):
    browser = panel().log_in()
    browser.show(path)
    assert not browser.driver.find_elements(By.LINK_TEXT, "First page")
    browser.show(path + "?after=1000000")
    browser.follow("First page")
    browser.until(lambda: not browser.driver.find_elements(By.LINK_TEXT, "First page"))


def test_messages_are_found_and_deleted(server, panel, register):
    writer = register(server, "author")
    flow = writer.make_flow(title="to be cleaned")
    writer.say(flow, "something dreadful", "something kind")
    browser = panel().log_in()

    def finds():
        browser.show("/messages?words=dreadful")
        return "something dreadful" in browser.text

    browser.until(finds)
    browser.follow("Delete …")
    assert browser.says("something dreadful")
    browser.press("Delete the message")
    assert "something dreadful" not in browser.says("Deleted", "something kind")


def test_numbers_move(server, panel, register):
    browser = panel().log_in()
    browser.until(lambda: browser.driver.find_elements(By.CSS_SELECTOR, "#live polyline"))
    first = browser.until(lambda: browser.get("live").get_attribute("textContent"))
    people = [register(server, "live") for _ in range(3)]
    browser.until(lambda: browser.get("live").get_attribute("textContent") != first)
    browser.until(lambda: "mtp" in browser.get("live").text)
    assert people


def test_everything_works_without_scripts(server, panel, register):
    login = register(server, "quiet").login
    browser = panel(scripts=False).log_in()
    assert browser.is_at("Overview")
    browser.follow("Users")
    browser.fill(search=login)
    browser.press("Search")
    browser.follow(login)
    browser.follow("Delete the account …")
    assert browser.says("What it wrote stays")
    browser.press(f"Delete {login}")
    assert browser.says("Deleted.")
    assert login not in browser.text


def test_keyboard_is_enough(panel):
    browser = panel()
    browser.show("/login")
    # The name has the focus.
    browser.driver.switch_to.active_element.send_keys(ADMINISTRATOR, Keys.TAB)
    browser.driver.switch_to.active_element.send_keys(PASSWORD, Keys.ENTER)
    assert browser.is_at("Overview")
    body = browser.driver.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    skip = browser.driver.switch_to.active_element
    assert skip.text == "Skip to the content"
    assert skip.rect["x"] >= 0
    skip.send_keys(Keys.ENTER)
    assert browser.driver.switch_to.active_element.get_attribute("id") == "main"
    seen = []
    for _ in range(3):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        element = browser.driver.switch_to.active_element
        seen.append(element)
        assert browser.driver.execute_script("return getComputedStyle(arguments[0]).outlineStyle", element) != "none"
    assert len(set(seen)) > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_can_be_read_and_named(server, panel, register, scheme, width):
    writer = register(server, "someone")
    flow = writer.make_flow(title="A group of people")
    writer.say(flow, "the first line", "x" * 300)
    browser = panel(width=width)
    browser.emulate(scheme, width)
    browser.show("/login")
    findings = {"login": browser.driver.execute_script(FINDINGS)}
    browser.log_in()
    detail = ["/users/show?login=" + writer.login, "/users/delete?login=" + writer.login, "/flows/show?flow=1",
              "/flows/delete?flow=1", "/users/show?login=nobody", "/messages?words=line"]
    for path in PAGES + detail:
        browser.show(path)
        findings[path] = browser.driver.execute_script(FINDINGS)
    assert {path: found for path, found in findings.items() if found} == {}


@pytest.mark.parametrize("path", ["", "/login", "/panel.css", "/nowhere"])
def test_page_may_load_and_run_only_its_own(server, path):
    try:
        response = urllib.request.urlopen(server.home + "admin" + path)
    except urllib.error.HTTPError as error:
        response = error
    directives = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.skipif("PARLEY_SCREENSHOTS" not in os.environ, reason="PARLEY_SCREENSHOTS names no folder")
def test_screenshots(server, panel, register):
    """Writes pictures of the pages for the documents, at 1280 and 360 pixels."""
    folder = Path(os.environ["PARLEY_SCREENSHOTS"])
    people = [register(server, "person") for _ in range(5)]
    flow = people[0].make_flow(title="Garden party")
    people[0].say(flow, "Who brings the lanterns?")
    people[1].say(flow, "I do, eight of them.")
    browser = panel().log_in()
    browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    browser.until(lambda: browser.driver.find_elements(By.CSS_SELECTOR, "#live polyline"))
    pages = {"overview": "", "users": "/users", "user": f"/users/show?login={people[0].login}", "flow": "/flows/show?flow=1",
             "backups": "/backups", "log": "/log", "invites": "/invites", "nodes": "/nodes", "administrators": "/administrators", "settings": "/settings",
             "messages": "/messages?words=lanterns", "delete": f"/users/delete?login={people[0].login}"}
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            browser.emulate(scheme, width)
            for name, path in pages.items():
                browser.show(path)
                browser.driver.save_screenshot(str(folder / f"panel-{name}-{width}-{scheme}.png"))
