// What is seen of the inbox: the door, the head, the list. The open conversation is inbox-case.js.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Case, having } from "./inbox-case.js";
import { INBOX_WORDS, speaker } from "./inbox-words.js";
import { Icon } from "./icons.js";
import { WORDS } from "./words.js";

const MINUTE_MS = 60_000;
const FILTERS = ["all", "waiting", "held"];
const STATES = { waiting: "requested", held: "held" };

export function App({ state, acts }) {
  const t = speaker(state.words.language);
  if (!state.inside) return html`<${Door} state=${state} t=${t} acts=${acts} />`;
  return html`<a class="skip" href="#conversations" onClick=${toList}>${t("skip_to_list")}</a>
    <${Head} state=${state} t=${t} acts=${acts} />
    <div class="banner" role="status">${!state.online && html`<p><span class="spinner" aria-hidden="true"></span>${t("inbox_offline")}</p>`}</div>
    <main class=${state.open ? "opened" : ""} aria-label=${t("inbox")}>
      <${List} state=${state} t=${t} acts=${acts} />
      ${state.open ? html`<${Case} key=${state.open.id} state=${state} t=${t} acts=${acts} />`
        : html`<section class="nothing"><p>${t("pick")}</p></section>`}
    </main>`;
}

// The address holds which conversation is open: a link within the page must not change it.
function toList(event) {
  event.preventDefault();
  document.getElementById("conversations")?.focus();
}

function Door({ state, t, acts }) {
  const [key, setKey] = useState("");
  const [person, setPerson] = useState(state.person);
  const ready = key.trim() && person.trim();
  const submit = (event) => {
    event.preventDefault();
    if (ready && !state.entering) acts.enter(key.trim(), person.trim());
  };
  return html`<main class="door" aria-label=${t("inbox")}><form onSubmit=${submit}>
    <img src=${new URL("icons/avatar.svg", import.meta.url).href} alt="" width="64" height="64" />
    <h1>${t("enter_title")}</h1><p>${t("enter_lead")}</p>
    <label><span>${t("name")}</span><input id="person" autocomplete="name" maxlength="80" required dir="auto" value=${person}
      onInput=${(event) => setPerson(event.target.value)} aria-describedby="name-hint" /></label><p class="hint" id="name-hint">${t("name_hint")}</p>
    <label><span>${t("key")}</span><input id="key" type="password" autocomplete="off" required value=${key}
      onInput=${(event) => setKey(event.target.value)} aria-describedby="key-hint" aria-invalid=${String(!!state.refused)} /></label>
    <p class="hint" id="key-hint">${t("key_hint")}</p>
    ${state.refused && html`<p class="trouble" role="alert">${t(state.refused)}</p>`}
    <button type="submit" class="act strong" aria-disabled=${String(!ready || state.entering)}>${t(state.entering ? "entering" : "enter")}</button>
  </form></main>`;
}

function Head({ state, t, acts }) {
  const waiting = state.conversations.filter(({ custody }) => custody.state === "requested").length;
  return html`<header>
    <img src=${new URL("icons/avatar.svg", import.meta.url).href} alt="" width="40" height="40" />
    <div class="who"><h1>${t("inbox")}</h1><p class="doing" role="status">${t(waiting ? waiting > 1 ? "some_wait" : "one_waits" : "nobody_waits", { count: waiting })}</p></div>
    <${Settings} state=${state} t=${t} acts=${acts} />
  </header>`;
}

function Settings({ state, t, acts }) {
  const [open, setOpen] = useState(false);
  const box = useRef();
  const away = (event) => { if (!box.current.contains(event.relatedTarget)) setOpen(false); };
  const escape = (event) => { if (event.key === "Escape") { setOpen(false); box.current.querySelector("button").focus(); } };
  return html`<div class="settings" ref=${box} onFocusOut=${away} onKeyDown=${escape}>
    <button type="button" class="round plain" aria-label=${`${t("settings")}: ${state.person}`} aria-expanded=${String(open)} aria-controls="settings" onClick=${() => setOpen(!open)}>
      <${Icon} name="person" /></button>
    <div id="settings" class="sheet" hidden=${!open} tabindex="-1">
      <p class="option"><span>${t("name")}</span><strong dir="auto">${state.person}</strong></p>
      <label class="option"><span>${t("choose_language")}</span>
        <select value=${state.words.language} onChange=${(event) => acts.setLanguage(event.target.value)}>
          ${Object.keys(INBOX_WORDS).map((key) => html`<option value=${key} lang=${key} selected=${key === state.words.language}>${WORDS[key].language}</option>`)}
        </select></label>
      <button type="button" class="act" onClick=${acts.leave}>${t("leave")}</button>
    </div></div>`;
}

// -- the list

function List({ state, t, acts }) {
  const shown = sorted(state.conversations).filter(({ custody }) => state.filter === "all" || custody.state === STATES[state.filter]);
  return html`<section class="list" id="conversations" tabindex="-1" aria-label=${t("conversations")}>
    <div class="filters" role="group" aria-label=${t("filter")}>${FILTERS.map((filter) =>
      html`<button type="button" class="small" aria-pressed=${String(filter === state.filter)} onClick=${() => acts.setFilter(filter)}><span>${t(`filter_${filter}`)}</span></button>`)}</div>
    ${state.loaded && !shown.length && html`<${Empty} all=${!state.conversations.length} t=${t} />`}
    <ul onKeyDown=${walk}>${shown.map((one) => html`<${Row} key=${one.id} one=${one} open=${state.open?.id === one.id} state=${state} t=${t} acts=${acts} />`)}</ul>
    ${state.after && html`<button type="button" class="act more" onClick=${acts.more}>${t("more")}</button>`}
  </section>`;
}

const Empty = ({ all, t }) => all ? html`<div class="empty"><h2>${t("empty_title")}</h2><p>${t("empty")}</p></div>`
  : html`<div class="empty"><p>${t("empty_filter")}</p></div>`;

// Who waits comes first, the longest wait before all.
const sorted = (conversations) => [...conversations].sort((one, other) => waits(other) - waits(one) || Date.parse(one.custody.since) - Date.parse(other.custody.since));
const waits = ({ custody }) => Number(custody.state === "requested");

// Up and down go along the list, as in any mailbox.
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...event.currentTarget.querySelectorAll(".entry")];
  rows[rows.indexOf(document.activeElement) + step]?.focus();
  event.preventDefault();
}

function Row({ one, open, state, t, acts }) {
  const button = useRef();
  const was = useRef(open);
  useEffect(() => { if (was.current && !open && !state.open) button.current.focus(); was.current = open; }, [open]);
  const { custody, contact, last } = one;
  return html`<li><button type="button" ref=${button} class=${`entry ${custody.state}`} aria-current=${open ? "true" : undefined} onClick=${() => acts.open(one.id)}>
    <span class="line"><strong dir="auto">${contact.name || t("nameless")}</strong><${Mark} custody=${custody} state=${state} t=${t} /></span>
    <span class="line faint"><span dir="auto">${custody.why}</span></span>
    ${last && html`<span class="line last"><span dir="auto">${t(`from_${last.from}`)}: ${last.text || t("voice_note")}</span></span>`}
  </button></li>`;
}

const Mark = ({ custody, state, t }) => custody.state === "requested"
  ? html`<span class="mark waiting">${waited(custody.since, state, t)}</span>`
  : html`<span class="mark" dir="auto">${having(custody, state, t)}</span>`;

function waited(since, { now, words }, t) {
  const minutes = Math.floor((now - Date.parse(since)) / MINUTE_MS);
  if (minutes < 1) return t("waits_now");
  const [count, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 2880 ? [Math.floor(minutes / 60), "hour"] : [Math.floor(minutes / 1440), "day"];
  return t("waits", { time: new Intl.NumberFormat(words.locale, { style: "unit", unit, unitDisplay: "short" }).format(count) });
}
