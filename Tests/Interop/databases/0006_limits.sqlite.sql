-- Copyright (c) the Parley authors
-- SPDX-License-Identifier: Apache-2.0
--
-- An SQLite database as a Parley made it whose last migration was 0006_limits, two years older than it was, and with a full-text
-- index that this file fills anew. The password of 'anna', 'ben' and the administrator 'admin' is correct-horse-battery-staple.

PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE log_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    time_ms INTEGER NOT NULL
, last_flow INTEGER NOT NULL DEFAULT 0, last_session INTEGER NOT NULL DEFAULT 0);
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    login TEXT NOT NULL,
    login_key TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    hash_password TEXT NOT NULL,
    salt BLOB NULL,
    key BLOB NULL,
    is_bot INTEGER NOT NULL CHECK (is_bot IN (0, 1)),
    is_hidden INTEGER NOT NULL CHECK (is_hidden IN (0, 1)),
    email TEXT NOT NULL,
    avatar TEXT NOT NULL,
    bio TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER NULL
, fastchat_number INTEGER NOT NULL GENERATED ALWAYS AS (
    CASE
        WHEN length(login_key) BETWEEN 1 AND 9 AND login_key NOT GLOB '*[^0-9]*' AND login_key NOT GLOB '0?*'
        THEN CAST(login_key AS INTEGER)
        ELSE 1000000000 + id
    END) VIRTUAL, skaro_secret BLOB NULL);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    protocol TEXT NOT NULL,
    address TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    revoked_ms INTEGER NULL
, node INTEGER NOT NULL DEFAULT 0, device TEXT NOT NULL DEFAULT '', ends_with_connection INTEGER NOT NULL DEFAULT 0);
CREATE TABLE admins (
    username TEXT NOT NULL PRIMARY KEY,
    hash_password TEXT NOT NULL,
    created_ms INTEGER NOT NULL
, user_id INTEGER NULL REFERENCES users (id) ON DELETE CASCADE);
CREATE TABLE flows (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    flow_type TEXT NOT NULL CHECK (flow_type IN ('chat', 'group', 'channel')),
    title TEXT NOT NULL,
    info TEXT NOT NULL,
    owner_id INTEGER NOT NULL REFERENCES users (id),
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    chat_low INTEGER NULL REFERENCES users (id),
    chat_high INTEGER NULL REFERENCES users (id),
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER NULL,
    event_count INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    head_position INTEGER NOT NULL, bridged INTEGER NOT NULL DEFAULT 0 CHECK (bridged IN (0, 1)),
    CHECK ((flow_type = 'chat') = (chat_low IS NOT NULL AND chat_high IS NOT NULL)),
    CHECK (chat_low < chat_high),
    UNIQUE (chat_low, chat_high)
);
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    flow_id INTEGER NULL REFERENCES flows (id) ON DELETE CASCADE,
    seq INTEGER NULL,
    number INTEGER NULL,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    type TEXT NOT NULL,
    state_key TEXT NULL,
    sender_id INTEGER NULL,
    time_ms INTEGER NOT NULL,
    content BLOB NOT NULL,
    replaces INTEGER NULL,
    replaced_by INTEGER NULL
);
CREATE TABLE blobs (
    sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    bytes BLOB NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE TABLE blob_refs (
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL REFERENCES blobs (sha256),
    PRIMARY KEY (position, name)
) WITHOUT ROWID;
CREATE TABLE search_head (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
CREATE VIRTUAL TABLE message_search USING fts5 (
    text,
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
);
CREATE TABLE migrations (identifier TEXT NOT NULL PRIMARY KEY, applied_ms INTEGER NOT NULL);
CREATE TABLE contacts (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    contact_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, contact_id)
) WITHOUT ROWID;
CREATE TABLE cursors (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, device)
) WITHOUT ROWID;
CREATE TABLE user_keys (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, device, kind)
) WITHOUT ROWID;
CREATE TABLE bridge_keys (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    public_key TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind)
) WITHOUT ROWID;
CREATE TABLE server_keys (
    name TEXT NOT NULL PRIMARY KEY,
    public_key TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE TABLE event_bodies (
    position INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    body BLOB NOT NULL,
    key BLOB NOT NULL,
    PRIMARY KEY (position, user_id)
);
CREATE TABLE invites (
    code_hash BLOB NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    used INTEGER NOT NULL,
    revoked_ms INTEGER NULL,
    note TEXT NOT NULL
);
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    protocols TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    heartbeat_ms INTEGER NOT NULL,
    draining INTEGER NOT NULL CHECK (draining IN (0, 1)),
    clients INTEGER NOT NULL,
    presence_version INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE node_presence (
    node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    online INTEGER NOT NULL CHECK (online IN (0, 1)),
    version INTEGER NOT NULL,
    PRIMARY KEY (node_id, user_id)
) WITHOUT ROWID;
CREATE TABLE "flow_members" (
    flow_id INTEGER NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    joined_position INTEGER NOT NULL,
    left_position INTEGER NULL,
    PRIMARY KEY (flow_id, user_id, joined_position),
    CHECK (left_position > joined_position)
) WITHOUT ROWID;
CREATE TABLE log_steps (
    position INTEGER NOT NULL PRIMARY KEY,
    before_ms INTEGER NOT NULL,
    after_ms INTEGER NOT NULL
);
CREATE TABLE account_limits (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    limits TEXT NOT NULL
);
CREATE TABLE account_usage (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    stored_bytes INTEGER NOT NULL CHECK (stored_bytes >= 0)
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_ms);
CREATE INDEX flows_created ON flows (created_ms);
CREATE INDEX flows_title ON flows (title);
CREATE INDEX flows_public ON flows (id) WHERE is_public = 1;
CREATE UNIQUE INDEX events_flow_seq ON events (flow_id, seq) WHERE flow_id IS NOT NULL;
CREATE UNIQUE INDEX events_flow_number ON events (flow_id, number) WHERE number IS NOT NULL;
CREATE UNIQUE INDEX events_flow_position ON events (flow_id, position) WHERE flow_id IS NOT NULL;
CREATE INDEX events_replaces ON events (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX events_account ON events (type, position) WHERE flow_id IS NULL;
CREATE INDEX blob_refs_sha256 ON blob_refs (sha256);
CREATE UNIQUE INDEX users_fastchat_number ON users (fastchat_number);
CREATE INDEX contacts_holders ON contacts (contact_id, user_id);
CREATE INDEX invites_created ON invites (created_ms, code_hash);
CREATE INDEX node_presence_versions ON node_presence (node_id, version);
CREATE INDEX flow_members_user ON flow_members (user_id, flow_id);
CREATE UNIQUE INDEX flow_members_now ON flow_members (flow_id, user_id) WHERE left_position IS NULL;
CREATE INDEX sessions_connections ON sessions (node, id) WHERE ends_with_connection = 1 AND revoked_ms IS NULL;
CREATE INDEX flows_owner ON flows (owner_id);
INSERT INTO log_head VALUES (1, 15, 1732295777414, 3, 2);
INSERT INTO users (id, uuid, login, login_key, username, hash_password, salt, key, is_bot, is_hidden, email, avatar, bio, created_ms, deleted_ms, skaro_secret) VALUES (1, X'e4ee2cb7ed4b5b81c487910b8f4cc0a1', 'anna', 'anna', 'anna', '$argon2id$v=19$m=8,t=1,p=1$IcklnMbwsTHaz8vaL0l5Fw$vUejGDXH2ROfNAnv8GLT+LQExTP7t8gHwNlpyiVtIuc', NULL, NULL, 0, 0, '', '', '', 1732295771806, NULL, NULL);
INSERT INTO users (id, uuid, login, login_key, username, hash_password, salt, key, is_bot, is_hidden, email, avatar, bio, created_ms, deleted_ms, skaro_secret) VALUES (2, X'4224a301a8a5017c334d7c00a2ed3d42', 'ben', 'ben', 'ben', '$argon2id$v=19$m=8,t=1,p=1$RG18U7DkkhASXUMlBuRlbg$Vj3udeUZPMhRpAYG0iOXlMZjt7WH4V5hSgoL3+rONMI', NULL, NULL, 0, 0, '', '', '', 1732295771821, NULL, NULL);
INSERT INTO users (id, uuid, login, login_key, username, hash_password, salt, key, is_bot, is_hidden, email, avatar, bio, created_ms, deleted_ms, skaro_secret) VALUES (3, X'312e63a27a0f46c9248dbf8c31bad7ef', 'admin', 'admin', 'admin', '$argon2id$v=19$m=8,t=1,p=1$R66kNKJHXltHMTOxiq21lA$Ytc6nc0nhBl/ffr2+D5fdFNJ7T7JZWBQXm6nl1mfmIk', NULL, NULL, 0, 0, '', '', '', 1732295776630, NULL, NULL);
INSERT INTO sessions VALUES (1, 1, X'd0f4c7d0b13378fb37f2b6fd27f891a5e9481c008a8a77bc308c6578548f6fc8', 'mtp', '127.0.0.1', 1732295771806, 1732295774027, 1734887771806, NULL, 0, '', 0);
INSERT INTO sessions VALUES (2, 2, X'502bc1928e089afda12a7839f64984cc40ec5f97f42d8b4414670ca9592c0035', 'mtp', '127.0.0.1', 1732295771821, 1732295774174, 1734887771821, NULL, 0, '', 0);
INSERT INTO admins VALUES ('admin', '$argon2id$v=19$m=8,t=1,p=1$R66kNKJHXltHMTOxiq21lA$Ytc6nc0nhBl/ffr2+D5fdFNJ7T7JZWBQXm6nl1mfmIk', 1732295776630, 3);
INSERT INTO flows VALUES (1, X'ecd362bbcc85cd9ab7ef5b43946e2a87', 'group', 'Friends', 'Some words', 1, 0, NULL, NULL, 1732295771825, NULL, 7, 4, 9, 0);
INSERT INTO flows VALUES (2, X'a8d4467f5b550f77f61d684d321162e9', 'chat', '', 'Some words', 2, 0, 1, 2, 1732295773036, NULL, 2, 1, 11, 0);
INSERT INTO flows VALUES (3, X'2ed26f22ad80108cced579df19b79877', 'channel', 'News', 'Some words', 1, 1, NULL, NULL, 1732295773430, NULL, 2, 1, 13, 0);
INSERT INTO events VALUES (1, NULL, NULL, NULL, X'01a204421e9ebe10acbc2a6b3183509f', 'user', '1', NULL, 1732295771806, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO events VALUES (2, NULL, NULL, NULL, X'01a204421eade08fb6b6c29d6c4aab4b', 'user', '2', NULL, 1732295771821, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO events VALUES (3, 1, 0, NULL, X'01a204421eb0e47a3aebc82e757e5e30', 'flow', NULL, 1, 1732295771825, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO events VALUES (4, 1, 1, 0, X'01a204421f57a239bcbd18f27946243b', 'message', NULL, 1, 1732295771991, X'7b2274657874223a226265666f726520746865206d6967726174696f6e222c22636c69656e745f6964223a307d', NULL, NULL);
INSERT INTO events VALUES (5, 1, 2, 1, X'01a204421f9211101d745f53af426727', 'message', NULL, 1, 1732295772050, X'7b2274657874223a2261207470796f222c22636c69656e745f6964223a317d', NULL, 7);
INSERT INTO events VALUES (6, 1, 3, 2, X'01a204421f9713bfada4380778a6da6d', 'message', NULL, 1, 1732295772055, X'7b7d', NULL, 8);
INSERT INTO events VALUES (7, 1, 4, NULL, X'01a204421faf283e735a5054c6beb31c', 'edit', NULL, 1, 1732295772079, X'7b2274657874223a2261207479706f227d', 5, NULL);
INSERT INTO events VALUES (8, 1, 5, NULL, X'01a204421fe7a295d2adb7fd1a71f165', 'deletion', NULL, 1, 1732295772374, X'7b7d', 6, NULL);
INSERT INTO events VALUES (9, 1, 6, 3, X'01a20442214f9b46e9dcddb46f991b30', 'message', NULL, 2, 1732295772495, X'7b2274657874223a22612066696c65206f66207468656e222c22636c69656e745f6964223a392c2266696c655f646f63756d656e74223a22643239795a484d67615734675953426d6157786c227d', NULL, NULL);
INSERT INTO events VALUES (10, 2, 0, NULL, X'01a20442234ca41f1a3870b5ca85513b', 'flow', NULL, 2, 1732295773036, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO events VALUES (11, 2, 1, 0, X'01a2044224a2cc357289a1cf3f84be6f', 'message', NULL, 2, 1732295773348, X'7b2274657874223a226a757374206265747765656e207573222c22636c69656e745f6964223a307d', NULL, NULL);
INSERT INTO events VALUES (12, 3, 0, NULL, X'01a2044224f63eabec0665b90354c6c6', 'flow', NULL, 1, 1732295773430, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO events VALUES (13, 3, 1, 0, X'01a2044225d27d81b3699646170a1133', 'message', NULL, 1, 1732295773650, X'7b2274657874223a226e657773206f66207468656e222c22636c69656e745f6964223a307d', NULL, NULL);
INSERT INTO events VALUES (14, NULL, NULL, NULL, X'01a2044231765f7e9688c20331ac575b', 'user', '3', NULL, 1732295776630, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO events VALUES (15, NULL, NULL, NULL, X'01a204423436ce23113b13bf2e7adc45', 'invite', NULL, NULL, 1732295777414, X'7b2277686174223a2263726561746564227d', NULL, NULL);
INSERT INTO search_head VALUES (1, 15);
INSERT INTO message_search (rowid, text) VALUES (4, 'before the migration');
INSERT INTO message_search (rowid, text) VALUES (5, 'a typo');
INSERT INTO message_search (rowid, text) VALUES (9, 'a file of then');
INSERT INTO message_search (rowid, text) VALUES (11, 'just between us');
INSERT INTO message_search (rowid, text) VALUES (13, 'news of then');
INSERT INTO migrations VALUES ('0001_spine', 1732295770968);
INSERT INTO migrations VALUES ('0002_live', 1732295771006);
INSERT INTO migrations VALUES ('0003_intervals', 1732295771180);
INSERT INTO migrations VALUES ('0004_admin_accounts', 1732295771226);
INSERT INTO migrations VALUES ('0006_limits', 1732295771234);
INSERT INTO invites VALUES (X'5ac018bda9a75f56071c7804995dde3020b5a6d6076d93ae59a8c63774ff2303', 1732295777414, NULL, 1, 0, NULL, '');
INSERT INTO flow_members VALUES (1, 1, 3, NULL);
INSERT INTO flow_members VALUES (1, 2, 3, NULL);
INSERT INTO flow_members VALUES (2, 1, 10, NULL);
INSERT INTO flow_members VALUES (2, 2, 10, NULL);
INSERT INTO account_usage VALUES (1, 130);
INSERT INTO account_usage VALUES (2, 118);
COMMIT;
