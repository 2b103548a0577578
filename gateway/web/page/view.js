// What is seen: header, log, status. Everything it shows comes in as one state; everything it does goes out through `acts`.

import { Component, html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Composer } from "./composer.js";
import { Icon } from "./icons.js";
import { VoiceNote } from "./player.js";
import { Words } from "./text.js";
import { WORDS, speaker } from "./words.js";

const GROUP_MS = 5 * 60_000;
const NEAR_PX = 120;
const BANNER_AFTER_MS = 4000;

export function App({ state, acts }) {
  const t = speaker(state.words.language);
  const { visit } = state;
  return html`<a class="skip" href="#message">${t("skip")}</a>
    <${Header} state=${state} t=${t} acts=${acts} />
    <${Banner} online=${state.online} t=${t} />
    <main aria-label=${t("conversation")}>
      ${state.closed ? html`<p class="closed" role="alert">${t(state.closed)}</p>` : visit
        ? html`<${Log} state=${state} t=${t} acts=${acts} />` : html`<p class="closed">${t("loading")}</p>`}
    </main>
    ${visit && html`<${Composer} visit=${visit} t=${t} say=${acts.say} stopped=${acts.hush} />`}`;
}

function Header({ state, t, acts }) {
  const title = state.visit?.title || t("assistant");
  return html`<header>
    <img src=${new URL("icons/avatar.svg", import.meta.url).href} alt="" width="40" height="40" />
    <div class="who"><h1 dir="auto">${title}</h1><p class="doing">${doing(state, t)}</p></div>
    <${Settings} state=${state} t=${t} acts=${acts} />
  </header>`;
}

function doing({ visit, activity, held }, t) {
  if (held) return t("held_short");
  if (activity) return t(activity);
  return visit ? t(visit.voice ? "offers_voice" : "offers_text") : "";
}

function Settings({ state, t, acts }) {
  const [open, setOpen] = useState(false);
  const box = useRef();
  const away = (event) => { if (!box.current.contains(event.relatedTarget)) setOpen(false); };
  const escape = (event) => { if (event.key === "Escape") { setOpen(false); box.current.querySelector("button").focus(); } };
  return html`<div class="settings" ref=${box} onFocusOut=${away} onKeyDown=${escape}>
    <button type="button" class="round plain" aria-label=${t("settings")} aria-expanded=${String(open)} aria-controls="settings" onClick=${() => setOpen(!open)}>
      <${Icon} name="more" /></button>
    <div id="settings" class="sheet" hidden=${!open} tabindex="-1">
      ${state.visit?.voice && html`<label class="option"><span>${t("autoplay")}</span>
        <input type="checkbox" role="switch" checked=${state.autoplay} onChange=${(event) => acts.setAutoplay(event.target.checked)} /></label>`}
      <label class="option"><span>${t("choose_language")}</span>
        <select value=${state.words.language} onChange=${(event) => acts.setLanguage(event.target.value)}>
          ${Object.entries(WORDS).map(([key, words]) => html`<option value=${key} lang=${key} selected=${key === state.words.language}>${words.language}</option>`)}
        </select></label>
    </div></div>`;
}

// Blips are not news.
function Banner({ online, t }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (online) return setShown(false);
    const timer = setTimeout(() => setShown(true), BANNER_AFTER_MS);
    return () => clearTimeout(timer);
  }, [online]);
  return html`<div class="banner" role="status">${shown && html`<p><span class="spinner" aria-hidden="true"></span>${t("offline")}</p>`}</div>`;
}

function Log({ state, t, acts }) {
  const box = useRef();
  const pinned = useRef(true);
  const [below, setBelow] = useState(false);
  const items = lines(state);
  const last = items.at(-1);
  useLayoutEffect(() => {
    if (last?.mine && last.state === "sending") pinned.current = true;
    if (pinned.current) toEnd(box.current);
    else setBelow(true);
  }, [items.length, last?.key]);
  useEffect(() => keepAtEnd(box.current, pinned), []);
  useLayoutEffect(() => { if (pinned.current) toEnd(box.current); }, [state.activity, state.held]);
  // A scroll may be told when the conversation is gone from the page already.
  const scrolled = (event) => { pinned.current = near(event.currentTarget); if (pinned.current) setBelow(false); };
  return html`<div class="log" ref=${box} role="log" aria-live=${state.announcing ? "polite" : "off"} aria-label=${t("conversation")} tabindex="0" onScroll=${scrolled}>
      <div class="lines">
        ${!items.length && state.caughtUp && html`<${Welcome} visit=${state.visit} t=${t} say=${acts.say} />`}
        ${state.trimmed && html`<p class="aside">${t("trimmed")}</p>`}
        <ol>${items.map((item) => html`<${Line} key=${item.key} item=${item} words=${state.words} title=${state.visit.title} acts=${acts} />`)}</ol>
        ${state.held && html`<p class="aside person"><${Icon} name="person" />${t("held")}</p>`}
        ${state.activity && html`<p class=${`activity ${state.activity}`}><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
          <span>${t(state.activity)}</span></p>`}
      </div>
    </div>
    ${below && html`<button type="button" class="round newest" aria-label=${t("newest")} onClick=${() => toEnd(box.current)}><${Icon} name="down" /></button>`}`;
}

const near = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
const toEnd = (box) => { box.scrollTop = box.scrollHeight; };

// A keyboard that opens, a transcript that unfolds: whoever was at the end stays there.
function keepAtEnd(box, pinned) {
  const watch = new ResizeObserver(() => pinned.current && toEnd(box));
  for (const grown of [box, box.firstElementChild]) watch.observe(grown);
  return () => watch.disconnect();
}

const Welcome = ({ visit, t, say }) => html`<section class="welcome">
  <img src=${new URL("icons/avatar.svg", import.meta.url).href} alt="" width="72" height="72" />
  <h2>${t("welcome")}</h2><p>${t(visit.hearing ? "welcome_voice" : "welcome_text")}</p>
  ${visit.suggestions?.length > 0 && html`<ul aria-label=${t("suggestions")}>${visit.suggestions.slice(0, 3).map((text) =>
    html`<li><button type="button" class="suggestion" dir="auto" onClick=${() => say({ text })}>${text}</button></li>`)}</ul>`}
</section>`;

// Messages and what is still on its way, one list, each knowing its neighbours.
export function lines({ messages, outbox }) {
  const said = messages.map((message) => ({ ...message, key: message.from === "contact" ? message.id : message.cursor,
    mine: message.from === "contact", state: "sent", at: Date.parse(message.at) }));
  const going = outbox.filter(({ id }) => !said.some((item) => item.mine && item.id === id)).map((entry) => ({ ...entry, key: entry.id, mine: true,
    local: entry.url, part: entry.audio ? { kind: "voice", media: entry, transcript: null } : { kind: "text", text: entry.text } }));
  return [...said, ...going].map((item, index, all) => ({ ...item, ...neighbours(item, all[index - 1], all[index + 1]) }));
}

function neighbours(item, before, after) {
  return { newDay: !before || day(before.at) !== day(item.at), first: !together(before, item), last: !together(item, after),
    cites: item.turn !== after?.turn || JSON.stringify(item.citations) !== JSON.stringify(after?.citations) };
}

const day = (at) => new Date(at).toLocaleDateString("sv");  // YYYY-MM-DD where the reader is
const together = (one, other) => one && other && one.mine === other.mine && other.at - one.at < GROUP_MS && day(one.at) === day(other.at);

class Line extends Component {
  shouldComponentUpdate({ item, words, title }) {
    const seen = (line) => JSON.stringify([line.state, line.reason, line.part, line.local, line.newDay, line.first, line.last, line.cites]);
    return seen(item) !== seen(this.props.item) || words !== this.props.words || title !== this.props.title;
  }

  render({ item, words, title, acts }) {
    const t = speaker(words.language);
    const kind = [item.mine ? "mine" : "theirs", item.part.kind, item.first && "first", item.last && "last", item.state].filter(Boolean).join(" ");
    return html`<li id=${`line-${item.key}`}>
      ${item.newDay && html`<p class="day"><time datetime=${day(item.at)}>${dayName(item.at, words, t)}</time></p>`}
      <div class=${`bubble ${kind}`}>
        <span class="unseen">${item.mine ? t("you") : title || t("assistant")}: </span>
        ${item.part.kind === "voice" ? html`<${VoiceNote} id=${item.key} part=${item.part} local=${item.local} t=${t} />`
          : html`<${Words} text=${item.part.text} note=${t("opens_elsewhere")} />`}
        ${item.cites && item.citations?.length > 0 && html`<${Sources} citations=${item.citations} t=${t} />`}
        <p class="stamp"><time datetime=${new Date(item.at).toISOString()}>${hour(item.at, words)}</time>${item.mine && html`<${State} state=${item.state} t=${t} />`}</p>
      </div>
      ${item.state === "failed" && html`<${Failed} item=${item} t=${t} acts=${acts} />`}
    </li>`;
  }
}

const SIGNS = { sending: "clock", sent: "check", failed: "alert" };
const State = ({ state, t }) => html`<span class=${`state ${state}`}><${Icon} name=${SIGNS[state]} /><span class="unseen">${t(state)}</span></span>`;

const Failed = ({ item, t, acts }) => html`<div class="failure" role="alert"><p>${t(item.reason)}</p>
  ${item.passing && html`<button type="button" class="small" onClick=${() => acts.retry(item.id)}><span>${t("retry")}</span></button>`}
  <button type="button" class="small" onClick=${() => acts.discard(item.id)}><span>${t("discard")}</span></button></div>`;

function Sources({ citations, t }) {
  const named = [...new Set(citations.map(({ document, paragraph }) => `${bare(document)} §${paragraph}`))];
  return html`<details class="sources"><summary>${t(named.length > 1 ? "sources" : "source", { where: named.join(", ") })}</summary>
    ${citations.map(({ text }) => text && html`<blockquote dir="auto">${text}</blockquote>`)}</details>`;
}

// Customers have no use for folders and endings.
const bare = (document) => String(document).split("/").at(-1).replace(/\.(md|txt|pdf|html?|docx?)$/i, "");

const hour = (at, { locale }) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(at);

function dayName(at, { locale }, t) {
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  if (ago === 0) return t("today");
  if (ago === 1) return t("yesterday");
  return new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", ...(ago > 300 && { year: "numeric" }) }).format(at);
}
