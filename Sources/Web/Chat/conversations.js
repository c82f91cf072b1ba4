// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// What the account sees: people, conversations, and of those that were opened the messages.

const pageSize = 50;
const previews = 20;
const usersAtATime = 100;

export class Conversations {
  /** `changed(flow, kind)` is told what to draw anew; `flow` is missing when the list changed. */
  constructor(connection, me, changed) {
    this.connection = connection;
    this.me = me;
    this.changed = changed;
    this.people = new Map();
    this.flows = new Map();
    this.asked = new Set();
    this.online = new Set();
    this.read = JSON.parse(localStorage.getItem(`parley.read.${me.uuid}`) || "{}");
  }

  async load() {
    let flows = [];
    try {
      flows = (await this.connection.request("all_flow")).data.flow;
    } catch (error) {
      if (error.code !== 404) throw error;
    }
    for (const flow of flows) this.#put(flow);
    await this.#learn([this.me.uuid]);
    await Promise.all(flows.slice(-previews).map((flow) => this.#preview(this.flows.get(flow.uuid))));
    await this.#learn(this.#strangers());
    this.changed();
  }

  /** The latest first. */
  get list() {
    return [...this.flows.values()].sort((a, b) => b.lastTime - a.lastTime);
  }

  get unread() {
    return [...this.flows.values()].reduce((sum, flow) => sum + this.unreadIn(flow), 0);
  }

  unreadIn(flow) {
    return Math.max(0, flow.count - (this.read[flow.uuid] ?? flow.count));
  }

  markRead(flow) {
    if (this.read[flow.uuid] === flow.count) return;
    this.read[flow.uuid] = flow.count;
    localStorage.setItem(`parley.read.${this.me.uuid}`, JSON.stringify(this.read));
  }

  name(uuid) {
    const person = this.people.get(uuid);
    return person ? person.username || person.login : "…";
  }

  title(flow) {
    if (flow.type !== "chat") return flow.title || "–";
    return this.name(flow.users.find((uuid) => uuid !== this.me.uuid) || this.me.uuid);
  }

  isOnline(flow) {
    return flow.type === "chat" && flow.users.some((uuid) => uuid !== this.me.uuid && this.online.has(uuid));
  }

  /** Asks who of the people in the latest chats is online. */
  async checkPresence() {
    const chats = this.list.filter((flow) => flow.type === "chat");
    const others = chats.map((flow) => flow.users.find((uuid) => uuid !== this.me.uuid)).filter(Boolean);
    if (others.length === 0) return;
    const user = others.slice(0, usersAtATime).map((uuid) => ({ uuid }));
    const answer = await this.connection.request("user_info", { user }, { presence: true });
    this.online = new Set(answer.data.user.filter((person) => person.is_online).map((person) => person.uuid));
    this.changed();
  }

  mayWrite(flow) {
    return flow.type !== "channel" || flow.owner === this.me.uuid;
  }

  /** Loads the newest messages of a conversation, once. */
  async open(flow) {
    if (flow.messages) return;
    flow.messages = [];
    flow.first = flow.count;
    await this.earlier(flow);
  }

  /** Loads a page of messages before those that are there; says whether there were any. */
  async earlier(flow) {
    if (flow.first === 0 || flow.isLoading) return false;
    flow.isLoading = true;
    try {
      const start = Math.max(0, flow.first - pageSize);
      const answer = await this.connection.request("all_messages", {
        time: 0,
        flow: [{ uuid: flow.uuid, message_start: start, message_end: flow.first }],
      });
      const known = new Set(flow.messages.map((message) => message.uuid));
      const older = (answer.data.message || []).filter((message) => !known.has(message.uuid));
      flow.messages.unshift(...older);
      flow.first = start;
      await this.#learn(this.#strangers());
      return true;
    } finally {
      flow.isLoading = false;
    }
  }

  /** Sends a message, and gives it as it stands in the conversation. */
  async send(flow, { text, picture }) {
    const message = { client_id: Math.floor(Math.random() * 2 ** 31), text };
    if (picture) message.file_picture = picture;
    const answer = await this.connection.request("send_message", { flow: [{ uuid: flow.uuid }], message: [message] });
    const sent = { ...message, ...answer.data.message[0] };
    this.#append(flow, sent);
    this.markRead(flow);
    this.changed(flow, "messages");
  }

  /** Makes a conversation with the people of these logins, and gives it. */
  async create(type, logins, title) {
    const people = [];
    for (const login of logins) {
      try {
        people.push((await this.connection.request("user_info", { user: [{ login }] })).data.user[0]);
      } catch (error) {
        if (error.code === 404) error.login = login;
        throw error;
      }
    }
    for (const person of people) this.people.set(person.uuid, person);
    const users = [...new Set([this.me.uuid, ...people.map((person) => person.uuid)])].map(String);
    const answer = await this.connection.request("add_flow", {
      flow: [{ type, title: title || "", info: "", owner: this.me.uuid, users }],
    });
    const flow = this.#put(answer.data.flow[0]);
    this.changed();
    return flow;
  }

  /** Takes what the server pushes. */
  async apply(news) {
    const touched = new Set();
    for (const person of news.user || []) this.people.set(person.uuid, person);
    for (const flow of news.flow || []) this.#put(flow);
    for (const message of news.message || []) {
      const flow = this.flows.get(message.from_flow);
      if (!flow) continue;
      const old = flow.messages && flow.messages.find((other) => other.uuid === message.uuid);
      if (old) Object.assign(old, { file_picture: undefined, emoji: undefined }, message);
      else if (!message.edited_status || message.time >= flow.lastTime) this.#append(flow, message);
      touched.add(flow);
    }
    await this.#learn(this.#strangers());
    for (const flow of touched) this.changed(flow, "messages");
    this.changed();
  }

  #put(record) {
    const flow = this.flows.get(record.uuid) || { count: 0, lastTime: record.time, messages: null, first: 0, last: null };
    const { message_end: count, message_start: _, ...fields } = record;
    Object.assign(flow, fields);
    if (count !== undefined) flow.count = count;
    this.flows.set(flow.uuid, flow);
    return flow;
  }

  #append(flow, message) {
    flow.count += 1;
    // A conversation that was never read is new: its messages are.
    this.read[flow.uuid] ??= flow.count - 1;
    flow.last = message;
    flow.lastTime = message.time;
    if (flow.messages) flow.messages.push(message);
  }

  /** The last message of a conversation, for the list; a refusal leaves it without. */
  async #preview(flow) {
    if (flow.count === 0) return;
    try {
      const range = { uuid: flow.uuid, message_start: flow.count - 1, message_end: flow.count };
      const answer = await this.connection.request("all_messages", { time: 0, flow: [range] });
      flow.last = answer.data.message.at(-1) || null;
      if (flow.last) flow.lastTime = flow.last.time;
    } catch (error) {
      if (!error.code) throw error;
    }
  }

  #strangers() {
    const uuids = [];
    for (const flow of this.flows.values()) {
      if (flow.type === "chat") uuids.push(...flow.users);
      for (const message of flow.messages || (flow.last ? [flow.last] : [])) uuids.push(message.from_user);
    }
    return uuids;
  }

  async #learn(uuids) {
    const unknown = [...new Set(uuids)].filter((uuid) => !this.people.has(uuid) && !this.asked.has(uuid));
    for (let start = 0; start < unknown.length; start += usersAtATime) {
      const some = unknown.slice(start, start + usersAtATime);
      for (const uuid of some) this.asked.add(uuid);
      try {
        const answer = await this.connection.request("user_info", { user: some.map((uuid) => ({ uuid })) });
        for (const person of answer.data.user) this.people.set(person.uuid, person);
      } catch (error) {
        for (const uuid of some) this.asked.delete(uuid);
        if (!error.code) throw error;
      }
    }
  }
}
