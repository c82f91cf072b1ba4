# Copyright (c) the Parley authors
# SPDX-License-Identifier: Apache-2.0
"""What keeps people from reading and using a page, found by a script in it, as axe-core does."""

# Every text that is seen, with the contrast to what is behind it; and every control without a name.
_READABLE = """
const number = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (part) => { part /= 255; return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
function behind(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = number(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
}
const findings = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  if (!own || box.width < 2 || box.height < 2 || style.visibility === "hidden" || box.right < 0) continue;
  const [one, other] = [luminance(number(style.color)), luminance(behind(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < 4.5) findings.push(`${contrast.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
}
const named = (e) => e.textContent.trim() || e.ariaLabel || [...(e.labels || [])].some((l) => l.textContent.trim());
for (const element of document.querySelectorAll("button, a, select, textarea, input:not([type=hidden])")) {
  if (element.checkVisibility() && !named(element)) findings.push(`no name: ${element.outerHTML.slice(0, 120)}`);
}
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) findings.push(`twice: ${id}`);
for (const name of ["aria-labelledby", "aria-describedby"]) {
  for (const element of document.querySelectorAll(`[${name}]`)) {
    if (!document.getElementById(element.getAttribute(name))) findings.push(`nothing there: ${element.outerHTML.slice(0, 120)}`);
  }
}
if (document.documentElement.scrollWidth > innerWidth) findings.push(`wider than the window: ${document.documentElement.scrollWidth}`);
"""

_LANDMARKS = """
const shown = (name) => [...document.querySelectorAll(name)].filter((element) => element.checkVisibility()).length;
if (shown("h1") !== 1) findings.push("not one heading of the first level");
if (shown("main") !== 1) findings.push("not one main part");
"""

# An application shows one thing at a time on a narrow screen; a page has its parts always.
APPLICATION_FINDINGS = _READABLE + "return findings;"
FINDINGS = _READABLE + _LANDMARKS + "return findings;"
