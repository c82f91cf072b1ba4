// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// MTP over one WebSocket: docs/protocols/mtp.md. A lost connection is made again, and nothing is missed or shown twice.

const longestPause = 30000;
const answerTimeout = 30000;

/** A refusal of the server: `code` as in the protocol, `message` its sentence. Code 0: no answer came. */
export class Refusal extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

export class Connection {
  /**
   * `on.news(data)` is told what changed, in order, each once; `on.notice(sentence)` what the operator announces;
   * `on.state(isOnline)` of losses and returns; `on.end()` when
   * the session is no longer valid.
   */
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.session = null;
    this.cursor = null;
    this.waiting = [];
    this.attempts = 0;
    this.isClosed = false;
    this.hasAuthorized = false;
  }

  open() {
    if (this.socket) return this.opening;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.opening = new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = (event) => {
        reject(new Refusal(0, ""));
        this.#lost(event.code);
      };
    });
    socket.onmessage = (event) => this.#received(JSON.parse(event.data));
    return this.opening;
  }

  close() {
    this.isClosed = true;
    this.session = null;
    if (this.socket) this.socket.close(1000);
  }

  /** Sends a request and gives the answer's frame; throws a `Refusal`. Answers come in the order of the requests. */
  async request(type, data = {}, meta = null) {
    await this.open();
    const asker = this.session ? [{ uuid: this.session.uuid, auth_id: this.session.auth_id }] : [];
    const user = asker.concat(data.user || []);
    const frame = { type, data: { ...data, user }, jsonapi: { version: "1.0", revision: "17" }, meta };
    return new Promise((resolve, reject) => {
      // A connection that is dead without knowing it is closed, which fails everything that waits.
      const timer = setTimeout(() => this.socket && this.socket.close(4000), answerTimeout);
      this.waiting.push({ resolve, reject, timer });
      this.socket.send(JSON.stringify(frame));
    });
  }

  /** Logs in or registers: `type` is the method. */
  async logIn(type, credentials, invite) {
    const answer = await this.request(type, { user: [credentials] }, invite ? { invite } : null);
    return answer.data.user[0];
  }

  /** Switches pushing on. With a cursor what was missed comes first; without one, what is new from now on. */
  async follow() {
    const first = this.cursor === null;
    const type = first ? "ping_pong" : "get_update";
    let answer = await this.request(type, {}, { push: true, ...(first ? {} : { since: this.cursor }) });
    this.hasAuthorized = true;
    while (true) {
      this.cursor = answer.meta.since;
      if (answer.data && !first) this.on.news(answer.data);
      if (answer.errors.code !== 206) return;
      answer = await this.request("get_update", {}, { push: true, since: this.cursor });
    }
  }

  #received(frame) {
    if (frame.meta && frame.meta.push) {
      this.cursor = frame.meta.since;
      if (frame.meta.notice) this.on.notice(frame.meta.notice);
      else this.on.news(frame.data);
      return;
    }
    const waiting = this.waiting.shift();
    if (!waiting) return;
    clearTimeout(waiting.timer);
    const { code, detail } = frame.errors;
    if (code < 300) waiting.resolve(frame);
    else waiting.reject(new Refusal(code, detail));
  }

  #lost(code) {
    this.socket = null;
    const waiting = this.waiting;
    this.waiting = [];
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(new Refusal(0, ""));
    }
    if (this.isClosed || !this.session) return;
    if (code === 1008 && this.hasAuthorized) return this.#ended();
    this.on.state(false);
    // Longer each time, with some chance in it: a thousand browsers do not come back in one moment.
    const pause = Math.min(longestPause, 500 * 2 ** this.attempts) * (0.5 + Math.random() / 2);
    this.attempts += 1;
    setTimeout(() => this.#again(), pause);
  }

  async #again() {
    if (this.isClosed || !this.session || this.socket) return;
    try {
      await this.follow();
      this.attempts = 0;
      this.on.state(true);
    } catch (error) {
      if (error.code === 401) this.#ended();
      // Otherwise the connection was lost again, and the next attempt is under way.
      else if (error.code && this.socket) this.socket.close(4000);
    }
  }

  #ended() {
    this.close();
    this.on.end();
  }
}
