// The open conversation: who it is and why it is here, what was said, and the field for the answer.

import { Component, html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import * as api from "./inbox-api.js";
import { History, moment } from "./inbox-history.js";
import { speaker } from "./inbox-words.js";
import { Icon } from "./icons.js";
import { VoiceNote } from "./player.js";
import { Words } from "./text.js";

const NEAR_PX = 120;
const ANNOUNCE_AFTER_MS = 500;  // a screen reader should not read the whole history aloud
const TALLEST_PX = 200;
const LONGEST = 32_768;  // characters, as docs/api.md has it
const GROUP_MS = 5 * 60_000;
const FAR = "600px";
const ROOMY_PX = 640;  // what stands above the talk may not push it out of sight
const PICTURES = ["image/jpeg", "image/png", "image/webp", "image/gif"];
const QUIET_STATES = ["sent", "delivered", "read", "played"];
const NOT_THERE = { withdrawn: "withdrawn_other" };  // why, only the history knows
const SIGNS = { sent: "check", delivered: "check", read: "check", played: "check", waiting: "clock" };

export function Case({ state, t, acts }) {
  const { open } = state;
  const heading = useRef();
  useEffect(() => heading.current?.focus({ preventScroll: true }), [!!open.facts]);
  const { custody } = open.facts ?? {};
  // What had the focus may be gone by another person's doing: the keyboard does not begin anew.
  useEffect(() => { if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true }); }, [custody?.state, custody?.person]);
  if (open.trouble) return html`<section class="case"><${Back} t=${t} acts=${acts} /><p class="closed" role="alert">${t(open.trouble)}</p></section>`;
  if (!open.facts) return html`<section class="case"><${Back} t=${t} acts=${acts} /><p class="closed" role="status">${t("opening")}</p></section>`;
  const name = open.facts.contact.name || t("nameless");
  return html`<section class="case" aria-label=${name}>
    <div class="case-head"><${Back} t=${t} acts=${acts} />
      <div class="who"><h2 ref=${heading} tabindex="-1" dir="auto">${name}</h2>
        <p class="doing" dir="auto">${having(open.facts.custody, state, t)} · ${open.facts.channel} · ${open.facts.queue}</p></div></div>
    <${Moves} state=${state} t=${t} acts=${acts} />
    <${Card} open=${open} words=${state.words} t=${t} acts=${acts} />
    <${Log} state=${state} t=${t} />
    <${Reply} key=${open.id} state=${state} t=${t} acts=${acts} />
  </section>`;
}

const Back = ({ t, acts }) => html`<button type="button" class="round plain back" aria-label=${t("back")} onClick=${acts.close}><${Icon} name="left" /></button>`;

const withPeople = ({ state }) => state === "held" || state === "requested";

export function having(custody, { person: me }, t) {
  const { person } = custody;
  if (!withPeople(custody)) return t("with_assistant");
  if (!person) return t(custody.state === "held" ? "with_somebody" : "nobody_yet");
  return person === me ? t("with_you") : t("with", { person });
}

function Moves({ state, t, acts }) {
  const { custody } = state.open.facts;
  const [asking, setAsking] = useState(false);
  const busy = String(!!state.open.sending);
  const act = (run) => () => { setAsking(false); if (!state.open.sending) run(); };
  const others = custody.person && custody.person !== state.person && withPeople(custody);
  if (asking && others) return html`<div class="moves" role="group" aria-label=${t("take")}><p>${t("take_sure", { person: custody.person })}</p>
    <button type="button" class="act strong" onClick=${act(() => acts.take(custody.person))}>${t("sure")}</button>
    <button type="button" class="act" onClick=${() => setAsking(false)}>${t("never_mind")}</button></div>`;
  return html`<div class="moves">
    ${others ? html`<button type="button" class="act" aria-disabled=${busy} onClick=${() => setAsking(true)}>${t("take_from", { person: custody.person })}</button>`
      : custody.person !== state.person && html`<button type="button" class="act strong" aria-disabled=${busy} onClick=${act(() => acts.take(""))}>${t("take")}</button>`}
    ${withPeople(custody) && html`<button type="button" class="act" aria-disabled=${busy} onClick=${act(acts.resolve)}>${t("resolve")}</button>
      <button type="button" class="act" aria-disabled=${busy} onClick=${act(acts.release)}>${t("release")}</button>`}
  </div>`;
}

// -- what is known and what was said

function Log({ state, t }) {
  const { messages, begin } = state.open;
  const box = useRef();
  const pinned = useRef(true);
  const announcing = useLater(ANNOUNCE_AFTER_MS);
  const items = lines(messages, state);
  useLayoutEffect(() => { if (pinned.current) toEnd(box.current); }, [items.length, items.at(-1)?.key]);
  useEffect(() => keepAtEnd(box.current, pinned), []);
  return html`<div class="log" ref=${box} role="log" aria-live=${announcing ? "polite" : "off"} aria-label=${t("conversation")} tabindex="0" onScroll=${(event) => { pinned.current = near(event.currentTarget); }}>
    <div class="lines">
      ${begin !== "0-0" && html`<p class="aside">${t("earlier")}</p>`}
      <ol>${items.map((item) => html`<${Line} key=${item.key} item=${item} id=${state.open.id} words=${state.words} />`)}</ol>
    </div></div>`;
}

function useLater(ms) {
  const [later, setLater] = useState(false);
  useEffect(() => { const timer = setTimeout(() => setLater(true), ms); return () => clearTimeout(timer); }, []);
  return later;
}

const near = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
const toEnd = (box) => { box.scrollTop = box.scrollHeight; };

function keepAtEnd(box, pinned) {
  const watch = new ResizeObserver(() => pinned.current && toEnd(box));
  for (const grown of [box, box.firstElementChild]) watch.observe(grown);
  return () => watch.disconnect();
}

const roomy = () => Math.min(innerHeight, innerWidth) > ROOMY_PX;

const Card = ({ open, open: { facts: { contact, custody, summary } }, words, t, acts }) => html`<section class="card" aria-label=${t("summary")}>
  ${withPeople(custody) && html`<p dir="auto"><span class="unseen">${t("why")}: </span><strong>${custody.why}</strong> <span class="faint">${t("since", { time: moment(custody.since, words) })}</span></p>
    ${custody.until && html`<p class="faint">${t("until", { time: moment(custody.until, words) })}</p>`}`}
  <details open=${roomy()}><summary>${t("summary")}</summary><p class="summary" dir="auto">${summary}</p>
    <p class="faint">${t("contact")}: <bdi>${contact.id}</bdi></p></details>
  <${History} open=${open} words=${words} t=${t} acts=${acts} /></section>`;

export function lines(messages, { person: me }) {
  const revoked = new Set(messages.filter(({ meaning }) => meaning === "revoke").map(({ of }) => of));
  return messages.filter(({ meaning }) => meaning !== "revoke").map((message) => ({ ...message, key: message.cursor, at: Date.parse(message.at),
    mine: message.from !== "contact", by: author(message, me), name: message.by ?? "",
    revoked: message.from === "contact" && revoked.has(message.id) }))
    .map((item, place, all) => ({ ...item, ...neighbours(item, all[place - 1], all[place + 1]) }));
}

// A key of the words, or empty for a colleague who has a name.
const author = ({ from, by }, me) => from !== "person" || !by ? `from_${from}` : by === me ? "from_you" : "";

function neighbours(item, before, after) {
  return { newDay: !before || day(before.at) !== day(item.at), first: !together(before, item), last: !together(item, after) };
}

const day = (at) => new Date(at).toLocaleDateString("sv");  // YYYY-MM-DD where the reader is
const together = (one, other) => one && other && one.by === other.by && one.name === other.name && other.at - one.at < GROUP_MS && day(one.at) === day(other.at);

class Line extends Component {
  shouldComponentUpdate({ item, words }) {
    return JSON.stringify(item) !== JSON.stringify(this.props.item) || words !== this.props.words;
  }

  render({ item, id, words }) {
    const t = speaker(words.language);
    const kind = [item.mine ? "mine" : "theirs", item.from, item.part.kind, item.first && "first", item.last && "last"].filter(Boolean).join(" ");
    return html`<li>
      ${item.newDay && html`<p class="day"><time datetime=${day(item.at)}>${new Intl.DateTimeFormat(words.locale, { day: "numeric", month: "long" }).format(item.at)}</time></p>`}
      <div class=${`bubble ${kind}`}>
        <p class=${item.first ? "by" : "unseen"} dir="auto">${item.by ? t(item.by) : item.name}</p>
        ${item.revoked ? html`<p class="faint">${t("taken_back")}</p>` : html`<${Content} item=${item} id=${id} t=${t} />`}
        <p class="stamp"><time datetime=${iso(item.at)}>${new Intl.DateTimeFormat(words.locale, { hour: "2-digit", minute: "2-digit" }).format(item.at)}</time>
          ${item.mine && html`<${Sign} state=${item.state ?? (elsewhere(item) ? "" : "waiting")} t=${t} />`}</p>
      </div>
      ${item.state && !QUIET_STATES.includes(item.state) && html`<p class="undelivered"><${Icon} name="alert" /><span>${t(NOT_THERE[item.state] ?? `state_${item.state}`)}</span></p>`}
    </li>`;
  }
}

// Written from a phone: it is there already, and nobody tells how far it got.
const elsewhere = ({ from, name }) => from === "person" && !name;
const iso = (at) => new Date(at).toISOString();

const Sign = ({ state, t }) => SIGNS[state] && html`<span class=${`state ${state}`} title=${t(`state_${state}`)}><${Icon} name=${SIGNS[state]} /><span class="unseen">${t(`state_${state}`)}</span></span>`;

function Content({ item, id, t }) {
  const { part, meaning, unreadable } = item;
  return html`${meaning && html`<p class="faint">${t(meaning === "edit" ? "edited" : "reacted")}</p>`}
    ${part.kind === "voice" && html`<${Note} key=${item.key} conversation=${id} part=${part} t=${t} />`}
    ${part.text && html`<${Words} text=${part.text} note=${t("opens_elsewhere")} />`}
    ${part.attachments?.map((one, place) => html`<${Attachment} key=${place} name=${`${item.key}-${place}`} one=${one} conversation=${id} t=${t} />`)}
    ${unreadable && html`<p class="faint">${t("unreadable", { kind: unreadable })}</p>`}`;
}

// -- media: fetched with the key when they come into sight

function useMedia(conversation, media, as) {
  const [url, setUrl] = useState("");
  const [lost, setLost] = useState(false);
  const box = useRef();
  const fetch = () => { setLost(false); api.media(conversation, media.id, as).then(setUrl, () => setLost(true)); };
  useEffect(() => {
    const watch = new IntersectionObserver(([seen]) => { if (seen.isIntersecting) { watch.disconnect(); fetch(); } }, { root: box.current.closest(".log"), rootMargin: FAR });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return { url, lost, box, fetch };
}

// MP3 where the browser is not sure of Ogg Opus (Safari and its older Ogg).
const playable = (mime) => document.createElement("audio").canPlayType(mime) === "probably" ? "" : "mp3";

function Note({ conversation, part, t, name }) {
  const { url, lost, box, fetch } = useMedia(conversation, part.media, playable(part.media.mime));
  return html`<div ref=${box}>${url ? html`<${VoiceNote} id=${name ?? part.media.id} part=${{ ...part, transcript: null }} local=${url} t=${t} />`
    : html`<div class="note-row fetching">${lost ? html`<p class="trouble">${t("note_lost")}</p><button type="button" class="small" onClick=${fetch}><span>${t("retry")}</span></button>`
      : html`<p class="faint" role="status">${t("note_loading")}</p>`}</div>`}
    ${part.transcript && html`<p class="heard" dir="auto">${part.transcript}</p>`}</div>`;
}

function Attachment({ name, one, conversation, t }) {
  if (!one.media) return html`<p class="faint">${one.problem ? t("not_here", { problem: one.problem }) : t("not_here_yet")}</p>`;
  if (one.kind === "voice" || one.kind === "audio")
    return html`<${Note} name=${name} conversation=${conversation} part=${{ media: one.media, transcript: one.transcript }} t=${t} />`;
  if (PICTURES.includes(one.media.mime.split(";")[0])) return html`<${Picture} one=${one} conversation=${conversation} t=${t} />`;
  return html`<${File} one=${one} conversation=${conversation} t=${t} />`;
}

function Picture({ one, conversation, t }) {
  const { url, lost, box } = useMedia(conversation, one.media, "");
  return html`<div ref=${box} class="picture">${url ? html`<img src=${url} alt=${one.name || t("image")} />`
    : html`<p class="faint">${t(lost ? "not_here" : "not_here_yet", { problem: t("unplayable") })}</p>`}</div>`;
}

// Always saved and never shown: what a stranger sends is not to run as a page of ours.
function File({ one, conversation, t }) {
  const save = async () => {
    const link = document.createElement("a");
    link.href = await api.media(conversation, one.media.id);
    link.download = one.name || t("file");
    link.click();
  };
  return html`<button type="button" class="act" onClick=${() => save().catch((refusal) => console.warn("not saved:", refusal.message))}>${t("save_file", { name: one.name || t("file") })}</button>`;
}

// -- the answer

function Reply({ state, t, acts }) {
  const { open, person } = state;
  const { custody } = open.facts;
  const taken = custody.person && custody.person !== person;
  return html`<footer class="composer">
    ${open.notice && html`<div class=${`notice ${open.notice.alarm ? "" : "calm"}`} role=${open.notice.alarm ? "alert" : "status"}><${Icon} name=${open.notice.alarm ? "alert" : "check"} />
      <p>${t(open.notice.key, open.notice.values)}</p><button type="button" class="round plain" aria-label=${t("dismiss")} onClick=${acts.dismiss}><${Icon} name="close" /></button></div>`}
    ${!withPeople(custody) ? html`<p class="hint">${t("gone")}</p>` : taken ? html`<p class="hint">${t("theirs", { person: custody.person })}</p>`
      : html`<${Field} open=${open} t=${t} acts=${acts} />`}
  </footer>`;
}

function Field({ open, t, acts }) {
  const [text, setText] = useState(acts.draft(open.id));
  const field = useRef();
  const long = [...text].length > LONGEST;
  const busy = open.sending === "text" || open.sending === "voice";
  const ready = text.trim() && !long && !open.sending;
  useLayoutEffect(() => { field.current.style.height = "auto"; field.current.style.height = `${Math.min(TALLEST_PX, field.current.scrollHeight + 2)}px`; }, [text]);
  const type = (words) => { setText(words); acts.keepDraft(open.id, words); };
  const send = async (speak) => {
    if (!ready) return;
    if (await acts.write(whole(text.trim()), speak)) { type(""); field.current?.focus(); }
  };
  const press = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send(false);
  };
  return html`<form class="row" aria-label=${t("reply")} onSubmit=${(event) => { event.preventDefault(); send(false); }}>
    <textarea id="reply" ref=${field} rows="1" dir="auto" autocomplete="off" aria-label=${t("reply")} placeholder=${t("reply_placeholder")} readonly=${busy}
      aria-invalid=${String(long)} value=${text} onInput=${(event) => type(event.target.value)} onKeyDown=${press}></textarea>
    <div class="sends"><span class="hint" role="status">${busy ? t(open.sending === "voice" ? "speaking" : "sending_it") : ""}</span>
      ${open.facts.voice && html`<button type="button" class="act" title=${t("voice_hint")} aria-disabled=${String(!ready)} onClick=${() => send(true)}><${Icon} name="microphone" />${t("send_voice")}</button>`}
      <button type="submit" class="act strong" aria-disabled=${String(!ready)}><${Icon} name="send" />${t("send_text")}</button></div>
    ${long && html`<p class="trouble" role="alert">${t("reply_too_long")}</p>`}
  </form>`;
}

// Half a surrogate pair or a NUL cannot be stored anywhere.
const whole = (text) => (text.toWellFormed?.() ?? text).replaceAll("\0", "");
