# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""The chat page with people: how they come in, make groups, go away, and in which language they read."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from test_web_chat import Browser, browser, chat_with, server  # noqa: F401  pylint: disable=unused-import

# The page asks every half minute who is there.
PRESENCE_SECONDS = 90
SOURCES = Path(__file__).resolve().parents[2] / "Sources" / "Web" / "Chat"


def test_start_prints_where_the_chat_is(server):
    assert server.addresses["Web chat"] == server.home + "chat"


def test_invitation_lets_one_person_in(start_server, browser):
    server = start_server(REGISTRATION_MODE="invite")
    server.home = server.addresses["Home page"]
    done = server.manage("invite", "create", "--json")
    assert done.returncode == 0, done.stderr
    code = json.loads(done.stdout)["code"]
    window = browser()
    window.open(server)
    assert not window.get("invite").is_displayed()
    window.enter("ines", register=True)
    window.sees("welcome-notice", "invit")
    for wrong in ("", "0" * 32):
        window.get("invite").clear()
        window.get("invite").send_keys(wrong)
        window.enter("ines")
        window.sees("welcome-notice", "invit")
        assert "Login or password" not in window.get("welcome-notice").text
    window.get("invite").clear()
    window.get("invite").send_keys(f" {code} ")
    window.enter("ines")
    window.sees("own-name", "ines")

    other = browser()
    other.open(server)
    other.get("other-mode").click()
    other.get("invite").send_keys(code)
    other.enter("jan")
    other.sees("welcome-notice", "invit")
    assert server.manage("user", "show", "ines").returncode == 0
    assert server.manage("user", "show", "jan").returncode != 0


def test_group_is_made_from_the_page_and_its_people_talk(server, browser, register):
    one, other = browser(), browser()
    founder, second = one.register(server, "founder"), other.register(server, "second")
    third = register(server, "third")
    assert third.ask("ping_pong", {}, meta={"push": True}).code == 200
    one.get("new-group").click()
    one.get("group-title").send_keys("Garden <b>party</b>")
    one.get("people").send_keys(f"{second}, nobody-at-all,{third.login}", Keys.ENTER)
    one.sees("dialog-notice", "There is no user with the login “nobody-at-all”.")
    one.get("people").clear()
    one.get("people").send_keys(f"{second}, {third.login}", Keys.ENTER)
    one.sees("title", "Garden <b>party</b>")
    assert one.get("subtitle").text == "Group"
    one.send("Who brings the lanterns?")

    other.open_conversation("Garden <b>party</b>")
    other.sees("messages", "Who brings the lanterns?")
    # In a group it is said who speaks.
    other.sees("messages", founder)
    other.send("I do")
    while "I do" not in (said := third.client.push()).texts:
        pass
    third.say(said.messages[-1]["from_flow"], "And I bring eight of them")
    for window in (one, other):
        window.sees("messages", "And I bring eight of them")
        window.sees("messages", third.login)
    one.sees("messages", second)
    assert [line for line in one.get("messages").text.split("\n") if line in (
        "Who brings the lanterns?", "I do", "And I bring eight of them",
    )] == ["Who brings the lanterns?", "I do", "And I bring eight of them"]


@pytest.mark.timeout(400)
def test_somebody_goes_and_comes_back_and_it_shows(server, browser, register):
    window = browser()
    window.register(server, "olga")
    friend = register(server, "friend")
    window.write_to(friend.login)
    window.sees("subtitle", "online")

    def marked():
        return window.driver.find_elements(By.CSS_SELECTOR, "#conversations strong.is-online")

    window.until(marked)
    friend.client.close()
    wait = WebDriverWait(window.driver, PRESENCE_SECONDS)
    wait.until(lambda _: window.get("subtitle").text == "Chat")
    window.until(lambda: not marked())
    friend.reconnect()
    assert friend.authenticate().code == 200
    wait.until(lambda _: window.get("subtitle").text == "online")


def test_who_is_there_shows_when_a_conversation_is_opened(server, browser, register):
    window = browser()
    # Without asking again by the clock.
    window.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": "window.setInterval = () => 0"})
    login = window.register(server, "sam")
    friend = register(server, "friend")
    friend.say(chat_with(friend, login), "I am here")
    window.open_conversation(friend.login)
    window.sees("subtitle", "online")


def test_what_was_not_sent_is_there_again_and_the_notice_goes_with_the_next(server, browser, register):
    window = browser()
    window.register(server, "quinn")
    window.write_to(register(server, "friend").login)
    # Fewer characters than the field takes, and more bytes than a message may have.
    window.driver.execute_script("document.getElementById('text').value = 'ß'.repeat(40000)")
    window.get("text").send_keys(Keys.ENTER)
    window.sees("state", "Not sent.")
    assert len(window.get("text").get_attribute("value")) == 40000
    window.get("text").clear()
    window.send("a shorter one")
    window.until(lambda: not window.get("state").is_displayed())


def test_links_lead_to_web_pages_only_and_tell_them_nothing(server, browser, register):
    window = browser()
    login = window.register(server, "paula")
    friend = register(server, "friend")
    flow = chat_with(friend, login)
    good = ["https://parley.example/a?b=c&d=%22e%22#f", "http://[::1]:8080/"]
    bad = ["javascript:alert(1)", "data:text/html,<script>1</script>", "file:///etc/passwd", "ftp://parley.example/",
           "javascript:https://parley.example", "HTTPS:parley.example", "vbscript:x", "//parley.example", "blob:https"]
    friend.say(flow, "see " + " and ".join(good), *bad, 'https://parley.example/"onclick="document.title=1')
    window.open_conversation(friend.login)
    window.sees("messages", "onclick")
    links = window.driver.execute_script(
        "return [...document.querySelectorAll('#messages a')].map((a) => [a.getAttribute('href'), a.textContent, a.target, a.rel,"
        " a.attributes.length])")
    targets = [href for href, *_ in links]
    assert targets == [*good, "https://parley.example", "https://parley.example/"]
    for href, shown, target, rel, attributes in links:
        assert shown == href and target == "_blank" and attributes == 3
        assert {"noopener", "noreferrer"} <= set(rel.split())
    # Followed, the page there has no way back to this one.
    window.driver.execute_script("document.querySelector('#messages a').href = arguments[0]", server.home)
    window.click(By.CSS_SELECTOR, "#messages a")
    window.until(lambda: len(window.driver.window_handles) == 2)
    window.driver.switch_to.window(window.driver.window_handles[1])
    window.until(lambda: window.driver.current_url == server.home)
    assert window.driver.execute_script("return [window.opener, document.referrer]") == [None, ""]


def test_chat_works_over_tls(start_server, browser, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True, timeout=60)
    server = start_server(TLS_KEY_FILE=str(tmp_path / "key.pem"), TLS_CERT_FILE=str(tmp_path / "cert.pem"))
    server.home = server.addresses["Home page"]
    assert server.addresses["Web chat"].startswith("https://") and server.addresses["MTP"].startswith("wss://")
    one, other = browser(), browser()
    alice, bob = one.register(server, "tls-alice"), other.register(server, "tls-bob")
    assert one.driver.current_url == server.addresses["Web chat"]
    one.write_to(bob)
    one.send("Nobody else reads this")
    other.open_conversation(alice)
    other.sees("messages", "Nobody else reads this")
    one.driver.refresh()
    one.sees("own-name", alice)


# Languages


def tables():
    """The texts by language and name, as they stand in the source."""
    source = (SOURCES / "texts.js").read_text(encoding="utf-8")
    return {
        language: dict(re.findall(r'^    (\w+): "(.*)",$', table, re.MULTILINE))
        for language, table in re.findall(r"^  (\w\w): \{\n(.*?)^  \},", source, re.MULTILINE | re.DOTALL)
    }


def test_every_text_is_there_in_both_languages_and_used():
    texts = tables()
    assert set(texts) == {"en", "de"} and len(texts["en"]) > 40
    assert set(texts["en"]) == set(texts["de"])
    for name, english in texts["en"].items():
        assert english and texts["de"][name]
        assert re.findall(r"\{\d\}", english) == re.findall(r"\{\d\}", texts["de"][name]), name
    page = (SOURCES / "chat.html").read_text(encoding="utf-8")
    program = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.js") if path.name != "texts.js")
    used = set(re.findall(r'data-(?:text|label)="(\w+)"', page))
    named = set(re.findall(r'"(\w+)"', program))
    assert used <= set(texts["en"])
    assert set(texts["en"]) - used - named == set()


# What the page says: names of people, texts of messages and times are not its own.
SHOWN = """
const found = [];
for (const element of document.querySelectorAll("body *")) {
  if (!element.checkVisibility() || element.closest(".content, .sender, time, #own-name, strong, #title")) continue;
  for (const node of element.childNodes) if (node.nodeType === 3 && node.textContent.trim()) found.push(node.textContent.trim());
  for (const name of ["aria-label", "placeholder", "title", "alt"]) {
    if (element.getAttribute(name)) found.push(element.getAttribute(name));
  }
}
return found;
"""


@pytest.mark.timeout(400)
def test_every_label_is_in_the_chosen_language(server, browser, register):
    window = browser()
    window.open(server)
    texts = tables()
    other_words = {
        "en": set(texts["de"].values()) - set(texts["en"].values()), "de": set(texts["en"].values()) - set(texts["de"].values()),
    }
    language = "en"
    seen = {"en": set(), "de": set()}

    def says(*names):
        window.until(lambda: {texts[language][name] for name in names} <= set(window.driver.execute_script(SHOWN)))

    def look():
        shown = set(window.driver.execute_script(SHOWN))
        # The button names the other language in its own words.
        assert shown & other_words[language] - {texts[language]["language"]} == set()
        assert window.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
        seen[language] |= shown

    def switch():
        nonlocal language
        language = "de" if language == "en" else "en"
        window.click(By.CSS_SELECTOR, ".language", "Deutsch" if language == "de" else "English")
        says("language")

    def in_both(*names):
        for _ in range(2):
            says(*names)
            look()
            switch()

    in_both("login", "password", "logIn", "noAccount")
    window.get("other-mode").click()
    in_both("register", "invite", "haveAccount")
    window.get("other-mode").click()
    window.enter("nobody-at-all", "wrong")
    in_both("wrongPassword")

    login = window.register(server, "rita")
    in_both("conversations", "noConversations", "newChat", "newGroup", "choose", "logOut")
    for _ in range(2):
        for button, names in (("new-chat", ["newChat", "withWhom"]), ("new-group", ["newGroup", "withMany", "title"])):
            window.get(button).click()
            says(*names, "create", "cancel")
            window.get("people").send_keys("nobody-at-all", Keys.ENTER)
            window.sees("dialog-notice", texts[language]["noSuchUser"].replace("{0}", "nobody-at-all"))
            look()
            window.get("cancel").click()
        switch()
    friend = register(server, "friend")
    friend.say(chat_with(friend, login), "a word")
    window.until(lambda: texts[language]["unread"].replace("{0}", "1") in window.driver.execute_script(SHOWN))
    in_both("choose")
    window.open_conversation(friend.login)
    window.sees("messages", "a word")
    in_both("message", "send", "picture", "today")
    assert len(seen["en"]) == len(seen["de"]) > 25
