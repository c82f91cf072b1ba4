// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// The page: shows what `Conversations` knows, and does what the person at it asks for.

import { Connection } from "/chat/connection.js";
import { Conversations } from "/chat/conversations.js";
import { messageElements, preview, shortTime } from "/chat/messages.js";
import { byId, element, say, sayAgain } from "/chat/page.js";
import { pictureSource, readPicture } from "/chat/pictures.js";
import { switchLanguage, text, translate } from "/chat/texts.js";

const presencePause = 30000;

let connection = null;
let conversations = null;
let shown = null;
let registers = false;
let picture = null;

// MARK: Coming in

function newConnection() {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  return new Connection(url, {
    news: (data) => conversations.apply(data).catch(report),
    notice: (sentence) => say("announcement", () => sentence),
    state: (isOnline) => say("state", isOnline ? null : () => text("offline")),
    end: () => leave(() => text("sessionEnded")),
  });
}

/** Why something was not done: the sentence of the server, or ours when it gave none. */
const problem = (error) => (error.code ? error.message : text("noAnswer"));

function report(error) {
  // What a lost connection interrupted is done again after it.
  if (error.code) say("state", () => error.message);
  else if (!(error.code === 0)) throw error;
}

async function enter(session) {
  connection.session = session;
  conversations = new Conversations(connection, session, draw);
  await connection.follow();
  localStorage.setItem("parley.session", JSON.stringify(session));
  await conversations.load();
  byId("own-name").textContent = conversations.name(session.uuid);
  byId("welcome").hidden = true;
  byId("app").hidden = false;
  await conversations.checkPresence();
}

function leave(sentence) {
  localStorage.removeItem("parley.session");
  if (connection) connection.close();
  connection = null;
  conversations = null;
  shown = null;
  picture = null;
  document.title = "Parley";
  byId("app").hidden = true;
  byId("app").classList.remove("is-open");
  byId("open").hidden = true;
  byId("choose").hidden = false;
  byId("messages").replaceChildren();
  byId("conversations").replaceChildren();
  byId("welcome").hidden = false;
  byId("password").value = "";
  say("state");
  say("announcement");
  say("welcome-notice", sentence);
  byId("login").focus();
}

async function logInOrRegister(event) {
  event.preventDefault();
  say("welcome-notice");
  byId("enter").disabled = true;
  const credentials = { login: byId("login").value, password: byId("password").value };
  try {
    connection = newConnection();
    const method = registers ? "register_user" : "authentication";
    const user = await connection.logIn(method, credentials, registers && byId("invite").value.trim());
    await enter({ uuid: user.uuid, auth_id: user.auth_id });
    byId("password").value = "";
  } catch (error) {
    if (connection) connection.close();
    if (error.code === 401 || error.code === 404) say("welcome-notice", () => text("wrongPassword"));
    else say("welcome-notice", () => problem(error));
    if (!("code" in error)) throw error;
  } finally {
    byId("enter").disabled = false;
  }
}

function showMode() {
  byId("enter").dataset.text = registers ? "register" : "logIn";
  byId("other-mode").dataset.text = registers ? "haveAccount" : "noAccount";
  byId("invite-field").hidden = !registers;
  byId("password").autocomplete = registers ? "new-password" : "current-password";
  translate();
}

// MARK: Drawing

function draw(flow, kind) {
  if (kind === "messages" && flow === shown) drawMessages(flow);
  if (shown && !byId("open").hidden && document.hasFocus() && isAtEnd()) conversations.markRead(shown);
  const unread = conversations.unread;
  document.title = unread ? `(${unread}) Parley` : "Parley";
  byId("no-conversations").hidden = conversations.flows.size > 0;
  byId("conversations").replaceChildren(...conversations.list.map(row));
  if (shown) byId("subtitle").textContent = text(conversations.isOnline(shown) ? "online" : shown.type);
}

function row(flow) {
  const item = element("li");
  const button = element("button", flow === shown ? "row is-shown" : "row");
  button.type = "button";
  if (flow === shown) button.setAttribute("aria-current", "true");
  const line = element("span", "line");
  line.append(element("strong", conversations.isOnline(flow) ? "is-online" : "", conversations.title(flow)));
  if (flow.last) line.append(element("time", "quiet", shortTime(flow.last.time)));
  button.append(line);
  const unread = conversations.unreadIn(flow);
  const under = element("span", "line");
  under.append(element("span", "quiet preview-text", flow.last ? preview(flow.last) : text(flow.type)));
  if (unread) {
    const badge = element("span", "badge", unread);
    badge.setAttribute("aria-label", text("unread", unread));
    under.append(badge);
  }
  button.append(under);
  button.onclick = () => open(flow).catch(report);
  item.append(button);
  return item;
}

async function open(flow) {
  shown = flow;
  byId("app").classList.add("is-open");
  byId("choose").hidden = true;
  byId("open").hidden = false;
  byId("title").textContent = conversations.title(flow);
  byId("composer").hidden = !conversations.mayWrite(flow);
  byId("read-only").hidden = conversations.mayWrite(flow);
  byId("messages").replaceChildren();
  await conversations.open(flow);
  if (flow !== shown) return;
  conversations.markRead(flow);
  drawMessages(flow, true);
  draw();
  if (matchMedia("(min-width: 48rem)").matches) byId("text").focus();
  conversations.checkPresence().catch(report);
}

function drawMessages(flow, toEnd = false) {
  const box = byId("messages");
  const wasAtEnd = toEnd || isAtEnd();
  const parts = messageElements(flow, conversations);
  for (const image of parts.flatMap((part) => [...part.querySelectorAll("img")])) {
    image.onload = () => isNearEnd() && (box.scrollTop = box.scrollHeight);
  }
  box.replaceChildren(...parts);
  if (wasAtEnd) box.scrollTop = box.scrollHeight;
  byId("to-end").hidden = isAtEnd();
}

function distanceToEnd() {
  const box = byId("messages");
  return box.scrollHeight - box.scrollTop - box.clientHeight;
}
const isAtEnd = () => distanceToEnd() < 40;
const isNearEnd = () => distanceToEnd() < 2400;

async function scrolled() {
  const box = byId("messages");
  if (isAtEnd()) {
    byId("to-end").hidden = true;
    if (shown && document.hasFocus()) conversations.markRead(shown);
  }
  if (box.scrollTop > 200 || !shown || !shown.messages) return;
  const flow = shown;
  const height = box.scrollHeight;
  if (await conversations.earlier(flow) && flow === shown) {
    drawMessages(flow);
    box.scrollTop += box.scrollHeight - height;
  }
}

// MARK: Writing

async function send(event) {
  event.preventDefault();
  const flow = shown;
  const field = byId("text");
  const message = { text: field.value.trim(), picture };
  if (!message.text && !message.picture) return;
  field.value = "";
  grow();
  attach(null);
  try {
    await conversations.send(flow, message);
    say("state");
    if (flow === shown) drawMessages(flow, true);
  } catch (error) {
    // Nothing is lost: what was written is there again.
    if (flow === shown && !field.value) field.value = message.text;
    attach(message.picture);
    say("state", () => `${text("failed")} ${problem(error)}`);
  }
}

function grow() {
  const field = byId("text");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
}

function attach(base64) {
  picture = base64;
  byId("picture").value = "";
  byId("preview").hidden = !base64;
  if (base64) byId("preview").firstElementChild.src = pictureSource(base64);
}

async function choosePicture() {
  const file = byId("picture").files[0];
  if (!file) return;
  say("state");
  try {
    attach(await readPicture(file));
  } catch (error) {
    say("state", () => text(error.message === "tooLarge" ? "tooLarge" : "noPicture"));
  }
}

// MARK: New conversations

function ask(type) {
  const dialog = byId("dialog");
  dialog.dataset.type = type;
  byId("dialog-title").textContent = text(type === "chat" ? "newChat" : "newGroup");
  byId("whom").textContent = text(type === "chat" ? "withWhom" : "withMany");
  byId("group-title-field").hidden = type === "chat";
  byId("new").reset();
  say("dialog-notice");
  dialog.showModal();
}

async function create(event) {
  event.preventDefault();
  const { type } = byId("dialog").dataset;
  const people = byId("people").value.split(type === "chat" ? /\n/ : ",").map((login) => login.trim());
  try {
    const flow = await conversations.create(type, people.filter(Boolean), byId("group-title").value.trim());
    byId("dialog").close();
    await open(flow);
  } catch (error) {
    if (error.login) say("dialog-notice", () => text("noSuchUser", error.login));
    else say("dialog-notice", () => problem(error));
    if (!("code" in error)) throw error;
  }
}

// MARK: Start

byId("credentials").onsubmit = logInOrRegister;
byId("other-mode").onclick = () => {
  registers = !registers;
  showMode();
};
byId("log-out").onclick = async () => {
  const leaving = connection;
  await leaving.request("ping_pong", {}, { end_session: true }).catch(() => {});
  leave();
};
for (const button of document.querySelectorAll(".language")) {
  button.onclick = () => {
    switchLanguage();
    sayAgain();
    if (!conversations) return;
    draw();
    if (shown) drawMessages(shown);
  };
}
byId("back").onclick = () => {
  byId("app").classList.remove("is-open");
  shown = null;
  byId("open").hidden = true;
  byId("choose").hidden = false;
  draw();
};
byId("new-chat").onclick = () => ask("chat");
byId("new-group").onclick = () => ask("group");
byId("cancel").onclick = () => byId("dialog").close();
byId("new").onsubmit = create;
byId("composer").onsubmit = send;
byId("text").oninput = grow;
byId("text").onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("composer").requestSubmit();
};
byId("picture").onchange = choosePicture;
byId("remove").onclick = () => attach(null);
byId("messages").onscroll = () => scrolled().catch(report);
byId("to-end").onclick = () => {
  byId("messages").scrollTop = byId("messages").scrollHeight;
};
window.onfocus = () => conversations && draw();
setInterval(() => conversations && !document.hidden && conversations.checkPresence().catch(report), presencePause);

translate();
showMode();
const kept = JSON.parse(localStorage.getItem("parley.session") || "null");
if (kept) {
  connection = newConnection();
  enter(kept).catch((error) => leave(() => (error.code === 401 ? text("sessionEnded") : problem(error))));
} else {
  byId("welcome").hidden = false;
}
