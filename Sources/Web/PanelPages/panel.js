// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// Refreshes what moves: an element with data-source is replaced by what the server renders there. Everything works without it.

const pause = 2000;
const place = document.querySelector("[data-source]");

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(place.dataset.source, { redirect: "manual" });
  // The session has ended, or the server wants something else: the whole page says what.
  if (answer.type === "opaqueredirect") return location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...page.body.children);
}

async function follow() {
  try {
    await refresh();
  } catch {
    // The server is away; the next look may find it.
  }
  setTimeout(follow, pause);
}

if (place) setTimeout(follow, pause);

// The log: the server renders its lines; the newest is first.
const maximumLines = 1000;
const log = document.querySelector("[data-events]");

function followLog() {
  const state = document.getElementById("log-state");
  const events = new EventSource(log.dataset.events);
  events.onopen = () => { state.textContent = "The newest message is first; new ones appear by themselves."; };
  events.onmessage = (event) => {
    const page = new DOMParser().parseFromString(`<ol>${event.data}</ol>`, "text/html");
    log.prepend(...page.querySelector("ol").children);
    while (log.children.length > maximumLines) log.lastElementChild.remove();
  };
  events.onerror = () => {
    state.textContent = "The server does not answer; trying again …";
    // Not to be had again: the whole page says why, or begins anew.
    if (events.readyState === EventSource.CLOSED) location.reload();
  };
}

if (log) followLog();
// On a narrow screen the entries of the navigation are in one line.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
