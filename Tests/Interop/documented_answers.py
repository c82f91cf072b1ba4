# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What documented commands show."""

import re

# What an example shows, by how it begins, or its words after `manage`: the first that fits counts. What fits none shows
# something.
SHOWS = [
    (r"PARLEY_SERVER_PORT=9000 manage config show", r"SERVER\.PORT +9000\b"),
    (r"top --json", r'"messages_per_second"'),
    (r"tail --json \| jq", r'^"\w+"$'),
    (r"log tail .*\| jq", r'^".+"$'),
    (r".* --json\b", r'"version" ?: ?1\b'),
    (r"api openapi", r'"openapi"'),
    (r"audit list", r"NUMBER +TIME +WHO"),
    (r"audit verify", r"\d+ records? in order, the last one with the hash"),
    (r"backup list", r"No backups in |NAME +BYTES +CREATED"),
    (r"backup verify", r"The backup is whole\."),
    (r"completions", r"\bmanage\b"),
    (r"config check", r"No problems in "),
    (r"config get SERVER\.PORT", r"^\d+$"),
    (r"config (init|restore)", r"Wrote the settings file "),
    (r"config list", r"NAME +SAVED +BYTES"),
    (r"config save", r"Saved the settings to "),
    (r"config set", r"Set [A-Z]+\.[A-Z_]+ in "),
    (r"config show", r"SETTING +VALUE +SOURCE"),
    (r"config unset", r"Removed \S+ from | is not set in "),
    (r"db backup", r"Wrote \d+ rows? and \d+ attachments?"),
    (r"db check", r"No problems\."),
    (r"db copy .*--dry-run", r"Would copy: .* Nothing was changed\."),
    (r"db copy", r": \d+ rows? of \d+ tables? into .*; both sides are the same\."),
    (r"db create", r"Created the tables in "),
    (r"db delete", r"Deleted all tables in "),
    (r"db gc --dry-run", r"Would remove \d+ attachments?"),
    (r"db gc", r"Removed \d+ attachments?"),
    (r"db migrate", r"The tables in .* were up to date\."),
    (r"db restore", r"Restored \d+ rows? and \d+ attachments?"),
    (r"db stats", r"TABLE +ROWS +BYTES"),
    (r"db status", r"Schema +current\b"),
    (r"doctor --bundle", r"Wrote .*support\.tar\.gz; 'doctor' found \d+ problems?\."),
    (r"doctor --read", r"Bundle +\S*support\.tar\.gz"),
    (r"doctor", r"(No problems|\d+ problems?)\."),
    (r"flow add-member", r"Added 'bob' to flow \d+\."),
    (r"flow remove-member", r"Removed 'bob' from flow \d+\."),
    (r"flow create", r"Created the (chat|group|channel) \d+ '"),
    (r"flow delete", r"Deleted the group \d+ 'Team'\."),
    (r"flow list --title team", r"\bTeam\b"),
    (r"flow list", r"ROW +TYPE +PUBLIC"),
    (r"flow seed --remove", r"Deleted \d+ seeded groups? and \d+ seeded accounts?\."),
    (r"flow seed", r"Made \d+ users?, \d+ groups? and \d+ messages?\."),
    (r"flow show", r"Title +Team\b"),
    (r"flow update .*--title", r"Changed the group \d+ 'New name'\."),
    (r"flow update", r"Changed the channel \d+ 'Team'\."),
    (r"import .*--dry-run", r"Nothing was written\. The import would do this:"),
    (r"import", r": [1-9]\d* taken, \d+ here already, \d+ skipped"),
    (r"invite create", r"Code +\S+"),
    (r"invite list", r"INVITE +STATUS +LEFT"),
    (r"invite revoke", r"Revoked \S+\. Accounts made with it: 0\."),
    (r"log level Transport\.Listener trace", r"(?i)^transport\.listener +trace$"),
    (r"log level Transport debug", r"(?i)^transport +debug$"),
    (r"log level debug", r"^debug$"),
    (r"log level", r"^[a-z]+$"),
    (r"message delete", r"Deleted message \d+ of '"),
    (r"message expire .*--dry-run", r"Would erase \d+ messages? of type group older than \d+ days"),
    (r"message expire", r"(Would erase|Erased) \d+ messages? of type chat older than 365 days"),
    (r"message list", r"NUMBER +TIME +AUTHOR"),
    (r"message search", r"FLOW +NUMBER +TIME"),
    (r"message show", r"Author +\S+"),
    (r"node drain", r"Server 'alpha' gets no new clients"),
    (r"node list", r"\balpha\b"),
    (r"node resume", r"Server 'alpha' gets new clients\."),
    (r"reload", r"Read again: "),
    (r"runserver", r"The server is running"),
    (r"superuser list", r"No administrators\. Create one with |NAME +LOGIN"),
    (r"superuser delete", r"Removed the administrator 'admin'\."),
    (r"superuser-create", r"Created the administrator 'admin' with the login '"),
    (r"superuser-totp admin enable", r"otpauth://totp/"),
    (r"superuser-totp admin disable", r"has no second factor any more\."),
    (r"testclient load", r"Delivered +[1-9]\d*$"),
    (r"testclient ping", r"A server answers at |\b200 .* from "),
    (r"testclient send --protocol skaro", r"Sent to alice over skaro at "),
    (r"testclient send", r"\b200 \w+ after [\d.]+ ms\."),
    (r"testclient session", r"\d+ passed, \d+ skipped, 0 failed"),
    (r"token create", r"Token +\S+"),
    (r"token list", r"NAME +SUPERUSER +SCOPE"),
    (r"token revoke", r"Revoked 'backup' of 'admin'\."),
    (r"user create", r"Created the user '"),
    (r"user delete .*--erase --dry-run", r"Would erase .* and the account 'alice'"),
    (r"user delete", r"Deleted the user 'alice'\."),
    (r"user export", r"Wrote \d+ messages? and \d+ files? of \d+ conversations?"),
    (r"user limits", r"Login +(alice|helper)\b"),
    (r"user list( --search ali)?$", r"\balice\b"),
    (r"user list", r"ROW +LOGIN"),
    (r"user logout alice --session", r"Ended 1 session of 'alice'\."),
    (r"user logout", r"Ended \d+ sessions? of 'alice'\."),
    (r"user sessions", r"SESSION +PROTOCOL +NODE"),
    (r"user set-password", r"Changed the password of 'alice'\."),
    (r"user show", r"Login +alice\b"),
    (r"user update .*--new-login alicia", r"Changed the user 'alicia'\."),
    (r"user update", r"Changed the user '(alice|helper)'\."),
]
# What may have nothing to show: a filter that nothing passes, and what is asked to be quiet.
QUIET = [r"log tail --level warning$", r"\bselect\(", r"--quiet\b"]


def seen(folder, command, shown):
    """The text of what a command has shown, without colours, or what it has written into a file instead."""
    target = re.search(r"^[^'|]*>>? ?(\S+)$", command)
    if target:
        return (folder / target[1].removeprefix("~/")).read_text(encoding="utf-8")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n").replace("\r", "\n")


def missing(command, words, text):
    """What a command, whose words after `manage` are given, should have shown, if it is not in the text."""
    if any(re.search(pattern, words) for pattern in QUIET):
        return None
    fits = (shows for pattern, shows in SHOWS if re.match(pattern, command) or re.match(pattern, words))
    expected = next(fits, r"\S")
    return None if re.search(expected, text, re.MULTILINE) else expected
