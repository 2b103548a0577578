// The page of a webchat channel: begin a visit, read what was said, stay in touch, send what the customer says.

import * as api from "./api.js";
import { Live } from "./live.js";
import { Outbox } from "./outbox.js";
import { hush, playLater } from "./player.js";
import { shelf } from "./shelf.js";
import { Transcript } from "./transcript.js";
import { App } from "./view.js";
import { html, render } from "./vendor/htm-preact.js";
import { choose } from "./words.js";

const LONGEST_PAUSE_MS = 15_000;
const FORGET_ACTIVITY_MS = 90_000;
const ANNOUNCE_AFTER_MS = 500;  // a screen reader should not read the whole history aloud
const HOUSE_LANGUAGE = "pt-BR";
const ACTIVITIES = ["thinking", "recording"];

const asked = () => new URLSearchParams(location.search).get("lang");
const words = (visit) => choose(asked(), navigator.languages, visit?.language, HOUSE_LANGUAGE);

let state = { words: words(), visit: null, closed: "", online: true, caughtUp: false, announcing: false, activity: "", held: false,
  autoplay: shelf.get("autoplay") === "yes", messages: [], outbox: [], trimmed: false };
let transcript = new Transcript();
let live = null;
let forget = 0;
let losses = 0;

const outbox = new Outbox({ channel: api.channel(), send, changed: () => set({ outbox: outbox.entries }) });

const acts = {
  say: (spoken) => outbox.add(spoken),
  retry: (id) => outbox.retry(id),
  discard: (id) => outbox.discard(id),
  hush,
  setAutoplay: (autoplay) => { shelf.put("autoplay", autoplay ? "yes" : "no"); set({ autoplay }); },
  setLanguage: (language) => {
    history.replaceState(null, "", `?${new URLSearchParams({ lang: language })}`);
    set({ words: words(state.visit) });
  },
};

let painting = 0;
function set(facts) {
  state = { ...state, ...facts };
  painting ||= setTimeout(paint);
}

function paint() {
  painting = 0;
  document.documentElement.lang = state.words.locale;
  document.title = state.visit?.title || document.title;
  render(html`<${App} state=${state} acts=${acts} />`, document.getElementById("app"));
}

async function begin(tries = 0) {
  try {
    arrive(await api.visit());
  } catch (refusal) {
    const missing = refusal.status === 404;
    set({ closed: state.visit ? "" : missing ? "visit_missing" : "visit_unreachable" });
    if (!missing) setTimeout(begin, Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** tries), tries + 1);
  }
}

// Also when a visit ended on the other side and a new one began: another conversation starts from an empty page.
function arrive(visit) {
  if (visit.conversation !== state.visit?.conversation) transcript = new Transcript();
  set({ visit, closed: "", words: words(visit), messages: transcript.messages });
  live?.stop();
  live = new Live({ catchUp, hear, online, lost, url: () => api.events(visit.conversation, transcript.cursor) });
  live.start().then(() => outbox.wake());
}

// False while there is no conversation: it begins with its first message.
async function catchUp() {
  const id = state.visit.conversation;
  const found = await api.conversation(id).catch(unlessNew);
  if (found) await readOn(id);
  set({ held: !!found?.held, caughtUp: true });
  setTimeout(set, ANNOUNCE_AFTER_MS, { announcing: true });
  return !!found;
}

function unlessNew(refusal) {
  if (refusal.status !== 404 || transcript.cursor) throw refusal;
  return null;
}

async function readOn(id) {
  let page;
  do {
    page = (await api.messages(id, transcript.cursor)).messages;
    for (const message of page) receive(message);
  } while (page.length);
  await hearAgain();
}

// A note became words while nobody told us (the stream was cut just then): an answer means that it was heard.
async function hearAgain() {
  const from = transcript.unheard;
  if (from === null || transcript.messages.at(-1).from !== "assistant") return;
  for (const { cursor, part } of (await api.messages(state.visit.conversation, from)).messages)
    if (part.transcript) transcript.heard(cursor, part.transcript);
  show();
}

const HEARERS = {
  message: (message) => { if (receive(message) && message.from === "assistant") arrived(message); },
  heard: ({ cursor, transcript: text }) => { transcript.heard(cursor, text); show(); },
  state: ({ state: now }) => {
    clearTimeout(forget);
    forget = setTimeout(() => set({ activity: "" }), FORGET_ACTIVITY_MS);
    set({ held: now === "held", activity: ACTIVITIES.includes(now) ? now : "" });
  },
};

const hear = (name, data) => HEARERS[name](data);

function receive(message) {
  const mine = message.from === "contact" ? outbox.settle(message.id) : null;
  const fresh = transcript.add(mine?.url ? { ...message, local: mine.url } : message);
  show();
  return fresh;
}

const show = () => set({ messages: transcript.messages, trimmed: transcript.trimmed });

function arrived(message) {
  hearAgain().catch((refusal) => console.warn("a transcript comes later:", refusal.message));
  if (!state.autoplay || message.part.kind !== "voice" || document.hidden || !navigator.userActivation?.hasBeenActive) return;
  if (document.querySelector(".take") === null) setTimeout(playLater, 50, `line-${message.cursor}`);
}

// Without cookies every visit is a first one: ask again, but ever more slowly.
function lost() {
  transcript = new Transcript();
  setTimeout(begin, Math.min(LONGEST_PAUSE_MS, 500 * 2 ** losses++));
}

function online(now) {
  if (now) losses = 0;
  if (now === state.online) return;
  set(now ? { online: true } : { online: false, activity: "" });
  if (now) outbox.wake();
}

async function send(entry) {
  await sendOrVisit(entry);
  if (!live.following) live.again();
}

// A visit can end on the other side: one more begins, and what was being said is said there.
async function sendOrVisit(entry) {
  try {
    await api.send(entry);
  } catch (refusal) {
    if (!refusal.stranger) throw refusal;
    arrive(await api.visit());
    await api.send(entry);
  }
}

addEventListener("beforeunload", (event) => { if (outbox.unsaved) event.preventDefault(); });
set({ outbox: outbox.entries });
begin();
