// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// How messages look. What people wrote becomes text nodes, never markup.

import { element } from "/chat/page.js";
import { pictureSource } from "/chat/pictures.js";
import { language, text } from "/chat/texts.js";

/** The messages of a conversation, as elements. */
export function messageElements(flow, conversations) {
  const parts = [];
  let day = "";
  let sender = "";
  for (const message of flow.messages || []) {
    const itsDay = dayName(message.time);
    if (itsDay !== day) parts.push(element("h3", "day quiet", itsDay));
    const isOwn = message.from_user === conversations.me.uuid;
    const bubble = element("article", isOwn ? "message own" : "message");
    if ((sender !== message.from_user || itsDay !== day) && !isOwn && flow.type !== "chat") {
      bubble.append(element("p", "sender", conversations.name(message.from_user)));
    }
    bubble.append(...body(message));
    const foot = element("p", "foot quiet");
    if (message.edited_status) foot.append(element("span", "", text("edited")), " ");
    foot.append(clockTime(message.time));
    bubble.append(foot);
    parts.push(bubble);
    day = itsDay;
    sender = message.from_user;
  }
  return parts;
}

function body(message) {
  const parts = [];
  const source = pictureSource(message.file_picture);
  if (source) {
    const image = element("img");
    image.alt = text("pictureFile");
    image.src = source;
    parts.push(image);
  }
  for (const name of attachments(message)) {
    if (name !== "pictureFile" || !source) parts.push(element("p", "quiet", text("attachment", text(name))));
  }
  const content = element("p", "content");
  for (const part of (message.text || message.emoji || "").split(/(https?:\/\/[^\s<>"]+)/)) {
    if (!/^https?:\/\//.test(part)) {
      content.append(part);
      continue;
    }
    const link = element("a", "", part);
    link.href = part;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    content.append(link);
  }
  if (content.textContent) parts.push(content);
  return parts;
}

/** What the list shows of a message. */
export function preview(message) {
  return message.text || attachments(message).map((name) => text(name)).join(", ") || message.emoji || "";
}

function attachments(message) {
  const names = { file_picture: "pictureFile", file_video: "video", file_audio: "audio", file_document: "document" };
  return Object.keys(names).filter((name) => message[name]).map((name) => names[name]);
}

const date = (seconds) => new Date(seconds * 1000);
const clockTime = (seconds) => date(seconds).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });

function dayName(seconds) {
  const start = new Date().setHours(0, 0, 0, 0);
  const days = Math.floor((start - date(seconds).setHours(0, 0, 0, 0)) / 86400000 + 0.5);
  if (days === 0) return text("today");
  if (days === 1) return text("yesterday");
  return date(seconds).toLocaleDateString(language, { dateStyle: "long" });
}

/** The time today, the day of other messages. */
export function shortTime(seconds) {
  const isToday = date(seconds).toDateString() === new Date().toDateString();
  return isToday ? clockTime(seconds) : date(seconds).toLocaleDateString(language, { day: "numeric", month: "short" });
}
