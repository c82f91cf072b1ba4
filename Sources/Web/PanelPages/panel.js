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
// On a narrow screen the entries of the navigation are in one line.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
