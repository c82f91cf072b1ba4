// Copyright (c) the Parley authors
// SPDX-License-Identifier: Apache-2.0

// The elements of the page and what it says to the person before it.

const notices = new Map();

export const byId = (id) => document.getElementById(id);

export function element(name, className, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

/** Shows what `sentence()` gives, in another language too when that is switched; without one the notice goes. */
export function say(id, sentence = null) {
  notices.set(id, sentence);
  byId(id).textContent = sentence ? sentence() : "";
  byId(id).hidden = !sentence;
}

/** Says what stands there in the language of now. */
export function sayAgain() {
  for (const [id, sentence] of notices) if (sentence) byId(id).textContent = sentence();
}
