// The page of the inbox: who waits for a person, one conversation open beside the list, everything kept fresh.

import * as api from "./inbox-api.js";
import { shelf } from "./shelf.js";
import { App } from "./inbox-view.js";
import { html, render } from "./vendor/htm-preact.js";
import { choose } from "./words.js";

const LOOK_MS = 5_000;  // without the stream
const LATE_LOOK_MS = 15_000;  // with it: what providers say of deliveries rings no bell
const LIST_PAUSE_MS = 1_000;
const TICK_MS = 20_000;
const LONGEST_PAUSE_MS = 15_000;
const SHOWN = 100;  // messages of each direction
const MOST_SHOWN = 600;  // of one that lies open all day: all of it is read anew at each change, for its deliveries
const HOUSE_LANGUAGE = "pt-BR";
const MOVES = { take: "taken", resolve: "resolved", release: "released" };
const CONFLICTS = ["person", "spell"];  // the line above the field says it, with whoever has it now

const words = () => choose(new URLSearchParams(location.search).get("lang"), shelf.get("inbox.language"), navigator.languages, HOUSE_LANGUAGE);

let state = { words: words(), person: shelf.get("inbox.person") ?? "", inside: false, entering: false, refused: "", online: true,
  conversations: [], after: null, loaded: false, filter: "all", open: null, now: Date.now() };
const drafts = new Map();
const ids = new Map();  // of a reply that may have arrived: the same text goes again under the same id

const acts = {
  enter: async (key, person) => {
    if (key) api.key.put(key);
    shelf.put("inbox.person", person);
    set({ person, entering: true, refused: "" });
    await begin();
  },
  leave: () => { api.key.drop(); stop(); drafts.clear(); ids.clear(); location.hash = ""; set({ inside: false, conversations: [], loaded: false, open: null }); },
  setFilter: (filter) => set({ filter }),
  setLanguage: (language) => {
    shelf.put("inbox.language", language);
    history.replaceState(null, "", location.pathname + location.hash);
    set({ words: words() });
  },
  more: () => refresh(state.after),
  open: (id) => { location.hash = id; },
  close: () => { location.hash = ""; },
  draft: (id) => drafts.get(id) ?? "",
  keepDraft: (id, text) => { drafts.set(id, text); },
  history: (shown) => { change({ history: shown ? { turns: null, lost: false } : null }); if (shown) look(state.open.id); },
  dismiss: () => change({ notice: null }),
  take: (instead_of) => move("take", { ...(instead_of && { instead_of }) }),
  resolve: () => move("resolve", {}),
  release: () => move("release", {}),
  write,
};

let painting = 0;
function set(facts) {
  state = { ...state, ...facts };
  painting ||= setTimeout(paint);
}

const change = (facts) => state.open && set({ open: { ...state.open, ...facts } });

function paint() {
  painting = 0;
  document.documentElement.lang = state.words.locale;
  const waiting = state.conversations.filter(({ custody }) => custody.state === "requested").length;
  document.title = waiting && state.inside ? `(${waiting}) recado` : "recado";
  render(html`<${App} state=${state} acts=${acts} />`, document.getElementById("inbox"));
}

// -- beginning and staying in touch

let stream = null;
let looking = 0;
let latest = 0;

async function begin() {
  stop();
  try {
    await refresh();
    set({ inside: true, entering: false });
    follow();
    turn();
  } catch (refusal) { refuse(refusal); }
}

function stop() {
  stream?.abort();
  stream = null;
  clearTimeout(looking);
}

const REFUSED = { 401: "key_wrong", 403: "key_scope" };

function refuse(refusal) {
  stop();
  if (REFUSED[refusal.status]) api.key.drop();
  set({ entering: false, inside: false, refused: REFUSED[refusal.status] ?? (refusal.status ? "trouble_500" : "inbox_offline") });
}

// The stream says that something changed; what it is, is always read anew. Without it we look every few seconds.
async function follow(tries = 0) {
  const mine = stream = new AbortController();
  let begun = false;
  const hear = (name, data) => {
    begun = true;
    if (name === "open") look();
    if (name === "changed") look(data.conversation);
  };
  await api.listen(hear, mine.signal).catch(() => {});
  if (stream !== mine) return;
  stream = null;
  look();
  const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** (begun ? 0 : tries));
  setTimeout(() => { if (state.inside && !stream) follow(begun ? 0 : tries + 1); }, pause);
}

let busy = false;
let again = null;
let listed = 0;
let later = 0;

async function look(conversation) {
  if (busy) return void (again = { conversation: again && again.conversation !== conversation ? undefined : conversation });
  busy = true;
  clearTimeout(looking);
  try {
    if (state.open && (!conversation || conversation === state.open.id)) await reread(state.open.id);
    await refreshInTurn();
    if (!state.online && state.open?.notice?.key === "trouble_0") change({ notice: null });
    set({ online: true });
  } catch (refusal) {
    if (!state.inside) return;  // who left is told nothing of a key
    if (REFUSED[refusal.status]) refuse(refusal);
    else set({ online: false });
  } finally { busy = false; }
  if (!state.inside) return;
  looking = setTimeout(look, stream ? LATE_LOOK_MS : LOOK_MS);
  if (again) { const { conversation: next } = again; again = null; look(next); }
}

// On a busy day much changes: the list is read once a second at most.
async function refreshInTurn() {
  const pause = listed + LIST_PAUSE_MS - Date.now();
  if (pause > 0) return void (later ||= setTimeout(() => { later = 0; look(); }, pause));
  listed = Date.now();
  await refresh();
}

// `after`: the next page; without it the list begins anew, as long as it was.
async function refresh(after) {
  const mine = ++latest;
  const wanted = after ? 0 : state.conversations.length;
  let found = after ? state.conversations : [];
  let page;
  do {
    page = await api.list(after ?? page?.after);
    found = [...found, ...page.conversations.filter(({ id }) => !found.some((known) => known.id === id))];
  } while (!after && page.after && found.length < wanted);
  if (mine === latest) set({ conversations: found, after: page.after, loaded: true });
}

// -- one conversation

function turn() {
  const id = named(location.hash.slice(1));
  if (!id) return set({ open: null });
  if (id !== state.open?.id) set({ open: { id, facts: null, messages: [], history: null, notice: null, sending: "", trouble: "" } });
  read(id).catch((refusal) => {
    if (REFUSED[refusal.status]) refuse(refusal);
    else if (state.open?.id === id && !state.open.facts) change({ trouble: refusal.status === 404 ? "trouble_404" : "inbox_offline" });
  });
}

function named(text) {
  try { return decodeURIComponent(text); } catch { return text; }  // a cut link leads to nothing, and the list is there
}

// One conversation that is out of reach, by a link or since another queue has it, is no trouble of the others.
async function reread(id) {
  try { await read(id); } catch (refusal) {
    if (refusal.status !== 404) throw refusal;
    if (state.open?.id === id) change({ trouble: "trouble_404" });
  }
}

async function read(id) {
  const facts = await api.conversation(id);
  const long = state.open?.messages.length > MOST_SHOWN;
  const begin = (!long && state.open?.begin) || startOf(facts.cursor);
  let messages = [];
  let page;
  let cursor = begin;
  do {
    page = await api.messages(id, cursor);
    messages = [...messages, ...page.messages];
    cursor = page.cursor;
  } while (page.messages.length);
  if (state.open?.id !== id) return;
  const over = state.open.notice?.key === "taken" && state.open.facts && facts.custody.person !== state.person;
  change({ facts, messages, begin, trouble: "", ...(over && { notice: null }) });
  if (state.open.history) await remember(id);
}

// Of an opened history only; what is known of it stays while it cannot be read.
async function remember(id) {
  let found;
  try { found = { turns: (await api.turns(id)).turns, lost: false }; } catch (refusal) {
    if (REFUSED[refusal.status]) throw refusal;
    found = { lost: true };
  }
  if (state.open?.id === id && state.open.history) change({ history: { ...state.open.history, ...found } });
}

const startOf = (cursor) => cursor.split("-").map((seen) => Math.max(0, Number(seen) - SHOWN)).join("-");

async function move(name, wish) {
  const { id } = state.open;
  change({ sending: name, notice: null });
  try {
    const { custody } = await api[name](id, { ...wish, person: state.person });
    const kept = name === "resolve" && ["requested", "held"].includes(custody.state);
    told(id, { key: kept ? "resolve_kept" : MOVES[name] });
  } catch (refusal) { failed(id, refusal); }
  listed = 0;
  await look();
}

// The text stays in its field until the gateway has it.
async function write(text, speak) {
  const { id, facts } = state.open;
  const sameness = JSON.stringify([id, text, speak]);
  if (!ids.has(sameness)) ids.set(sameness, newId());
  change({ sending: speak ? "voice" : "text", notice: null });
  try {
    const reply = await api.write(id, { id: ids.get(sameness), person: state.person, text, speak, spell: facts.custody.spell });
    ids.delete(sameness);
    drafts.delete(id);
    told(id, speak && !reply.spoken ? { key: "written_instead", values: { why: reply.why } } : null);
    return true;
  } catch (refusal) {
    if (refusal.field === "id") ids.delete(sameness);
    failed(id, refusal);
    return false;
  } finally { listed = 0; look(id); }
}

const told = (id, notice) => state.open?.id === id && change({ sending: "", notice });

function failed(id, refusal) {
  if (REFUSED[refusal.status]) return refuse(refusal);
  const conflict = refusal.status === 409 && CONFLICTS.includes(refusal.field);
  const known = { 0: "trouble_0", 404: "trouble_404", 409: "trouble_conflict", 413: "reply_too_long", 422: "trouble_422" };
  told(id, conflict ? null : { key: known[refusal.status] ?? "trouble_500", alarm: true });
}

// crypto.randomUUID exists only on https and localhost.
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

addEventListener("hashchange", () => state.inside && turn());
addEventListener("online", () => state.inside && look());
document.addEventListener("visibilitychange", () => { if (!document.hidden && state.inside) look(); });
setInterval(() => set({ now: Date.now() }), TICK_MS);
set({});
if (api.key.get() && state.person) acts.enter("", state.person);
