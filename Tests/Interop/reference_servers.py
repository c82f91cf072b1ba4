# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""Databases of the reference servers, made by their own mapper and their own CREATE statements."""

import json
import sqlite3
import subprocess
import sys
import urllib.parse

import psycopg2

# In a process of its own: the mapper keeps one connection for all of its classes.
MORELIA = '''
import hashlib, json, sys
from sqlobject import *

sqlhub.processConnection = connectionForURI(sys.argv[1])

class UserConfig(SQLObject):
    uuid = StringCol(alternateID=True, unique=True, notNone=True)
    login = StringCol(notNone=True)
    password = StringCol(notNone=True)
    hash_password = StringCol(default=None)
    username = StringCol(default=None)
    is_bot = BoolCol(default=False)
    auth_id = StringCol(default=None)
    token_ttl = IntCol(default=None)
    email = StringCol(default=None)
    avatar = BLOBCol(default=None)
    bio = StringCol(default=None)
    salt = BLOBCol(default=None)
    key = BLOBCol(default=None)
    flows = RelatedJoin("Flow")

class Flow(SQLObject):
    uuid = StringCol(alternateID=True, unique=True, notNone=True)
    time_created = IntCol(default=None)
    flow_type = StringCol(default=None)
    title = StringCol(default=None)
    info = StringCol(default=None)
    owner = StringCol(default=None)
    users = RelatedJoin("UserConfig")

class Message(SQLObject):
    uuid = StringCol(alternateID=True, unique=True, notNone=True)
    text = StringCol(default=None)
    time = IntCol(default=None)
    file_picture = BLOBCol(default=None)
    file_video = BLOBCol(default=None)
    file_audio = BLOBCol(default=None)
    file_document = BLOBCol(default=None)
    emoji = BLOBCol(default=None)
    edited_time = IntCol(default=None)
    edited_status = BoolCol(default=False)
    user = ForeignKey("UserConfig", refColumn="id")
    flow = ForeignKey("Flow", refColumn="id")

class Admin(SQLObject):
    username = StringCol(alternateID=True, unique=True, notNone=True)
    hash_password = StringCol(notNone=True)

for table in (UserConfig, Flow, Message, Admin):
    table.createTable()

world = json.load(sys.stdin)
users, flows = {}, {}
for user in world["users"]:
    salt, key = b"s" * 16, b"k" * 20
    hashed = hashlib.blake2b(user["password"].encode(), digest_size=32, key=key, salt=salt).hexdigest()
    known = dict(salt=salt, key=key) if user.pop("keeps_salt", True) else {}
    users[user["login"], user["uuid"]] = UserConfig(hash_password=hashed, **known, **user)
by_login = {login: row for (login, _), row in users.items()}
for flow in world["flows"]:
    members = flow.pop("members")
    row = flows[flow["title"]] = Flow(**flow)
    for login in members:
        row.addUserConfig(by_login[login])
for message in world["messages"]:
    picture = message.pop("picture", None)
    author, flow = by_login[message.pop("author")], flows[message.pop("flow")]
    Message(user=author, flow=flow, file_picture=picture and bytes(picture), **message)
for name in world["admins"]:
    Admin(username=name, hash_password="0" * 64)
'''


def make_morelia(uri, world):
    """A MoreliaTalk server's database, at an address of SQLObject."""
    subprocess.run([sys.executable, "-c", MORELIA, uri], input=json.dumps(world), text=True, check=True, timeout=120)


def make_messenger(path, users, contacts):
    """A MessengerServer's file: users as (login, email, password), contacts as pairs."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE users(login TEXT PRIMARY KEY, email TEXT, password TEXT)")
        database.execute(
            "CREATE TABLE contacts(user TEXT, contact TEXT, PRIMARY KEY (user, contact), "
            "FOREIGN KEY (contact) REFERENCES users(login))")
        database.executemany("INSERT INTO users VALUES (?, ?, ?)", users)
        database.executemany("INSERT INTO contacts VALUES (?, ?)", contacts)
    database.close()


FASTCHAT = """
CREATE TABLE users (user_id INT PRIMARY KEY, password TEXT, server_id INT, public_key TEXT);
CREATE TABLE groups (group_id SERIAL PRIMARY KEY, participants INT[], admin_id INT);
CREATE TABLE messages (sender_id INT, receiver_id INT, time TEXT, message TEXT);
CREATE TABLE groupmessages (sender_id INT, group_id INT, time TEXT, message TEXT, receiver_id INT);
CREATE TABLE numclients (server_id INT PRIMARY KEY, num_clients INT);
"""


def make_fastchat(uri, users=(), groups=(), messages=(), group_messages=()):
    """A FastChat database: users as (number, password, key), groups as (number, participants, administrator)."""
    database = psycopg2.connect(uri)
    with database, database.cursor() as cursor:
        cursor.execute(FASTCHAT)
        for number, password, key in users:
            cursor.execute("INSERT INTO users VALUES (%s, %s, 0, %s)", (number, password, key))
        for row in groups:
            cursor.execute("INSERT INTO groups VALUES (%s, %s, %s)", row)
        for row in messages:
            cursor.execute("INSERT INTO messages VALUES (%s, %s, %s, %s)", row)
        for row in group_messages:
            cursor.execute("INSERT INTO groupmessages VALUES (%s, %s, %s, %s, %s)", row)
    database.close()


def sqlobject_uri(postgres_uri):
    """The same address in the words of the mapper."""
    return urllib.parse.urlunsplit(urllib.parse.urlsplit(postgres_uri)._replace(scheme="postgres"))
