// What people wrote, shown as they wrote it: always text, and http(s) addresses become links.

import { html } from "./vendor/htm-preact.js";

const ADDRESS = /https?:\/\/[^\s<>"'`“”‘’「」《》（），。；！？、]+/giu;
const CLOSERS = { ")": "(", "]": "[", "}": "{" };

// -> pieces in order: a string, or {href, text}.
export function pieces(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = trim(match[0]);
    const href = safe(shown);
    if (!href) continue;
    found.push(text.slice(end, match.index), { href, text: shown });
    end = match.index + shown.length;
  }
  return [...found, text.slice(end)].filter((piece) => piece !== "");
}

export const Words = ({ text, note }) => html`<p class="words" dir="auto">${pieces(text).map((piece) => piece.href
  ? html`<a href=${piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">${piece.text}<span class="unseen"> (${note})</span></a>`
  : piece)}</p>`;

// A full stop after an address ends the sentence, not the address; a bracket belongs to whoever opened it.
function trim(address) {
  const last = address.at(-1);
  if (/[.,;:!?*_~]/.test(last)) return trim(address.slice(0, -1));
  if (CLOSERS[last] && count(address, last) > count(address, CLOSERS[last])) return trim(address.slice(0, -1));
  return address;
}

const count = (text, sign) => text.split(sign).length - 1;

function safe(address) {
  try {
    const url = new URL(address);
    return /^https?:$/.test(url.protocol) && url.hostname ? url.href : null;
  } catch { return null; }  // not an address after all: it stays text
}
