// Where the customer speaks: a field that grows, or a microphone.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Icon } from "./icons.js";
import { clock } from "./player.js";
import { MicrophoneError, Recording } from "./recorder.js";

const TALLEST_PX = 160;
const SHOWN_LEVELS = 160;
const characters = (text) => [...text].length;  // as the server counts: an emoji is one

export function Composer({ visit, t, say, stopped }) {
  const [take, setTake] = useState(null);
  const [trouble, setTrouble] = useState("");
  const record = useRecorder({ visit, setTake, setTrouble, say, stopped });
  return html`<footer class="composer">
    ${trouble && html`<${Trouble} text=${t(trouble)} t=${t} close=${() => setTrouble("")} />`}
    ${!visit.hearing && html`<p class="hint" id="type-only">${t("type_only")}</p>`}
    ${take ? html`<${Take} take=${take} t=${t} ...${record} />`
      : html`<${Field} visit=${visit} t=${t} say=${say} record=${record.begin} setTrouble=${setTrouble} returning=${record.returning} />`}
  </footer>`;
}

const Trouble = ({ text, t, close }) => html`<div class="notice" role="alert"><${Icon} name="alert" /><p>${text}</p>
  <button type="button" class="round plain" aria-label=${t("dismiss")} onClick=${close}><${Icon} name="close" /></button></div>`;

function Field({ visit, t, say, record, setTrouble, returning }) {
  const [text, setText] = useState("");
  const field = useRef();
  const long = characters(text) > visit.limits.text_characters;
  const blank = !text.trim();
  useLayoutEffect(() => grow(field.current), [text]);
  const send = () => {
    if (blank || long) return;
    say({ text: whole(text.trim()) });
    setText("");
    setTrouble("");
    field.current.focus();
  };
  const type = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  return html`<form class="row" aria-label=${t("message")} onSubmit=${(event) => { event.preventDefault(); send(); }}>
    <textarea id="message" ref=${field} rows="1" dir="auto" enterkeyhint="send" autocomplete="off" aria-label=${t("message")} placeholder=${t("placeholder")}
      aria-describedby=${long ? "too-long" : visit.hearing ? undefined : "type-only"} aria-invalid=${String(long)}
      value=${text} onInput=${(event) => setText(event.target.value)} onKeyDown=${type}></textarea>
    ${blank && visit.hearing
      ? html`<${Microphone} key="mic" t=${t} record=${record} returning=${returning} />`
      : html`<button key="send" type="submit" class="round strong" aria-label=${t("send")} aria-disabled=${String(blank || long)}><${Icon} name="send" /></button>`}
    ${long && html`<p id="too-long" class="trouble" role="alert">${t("too_long")}</p>`}
  </form>`;
}

// After a recording the hand is still at the microphone.
function Microphone({ t, record, returning }) {
  const button = useRef();
  useEffect(() => { if (returning.current) button.current.focus(); returning.current = false; }, []);
  return html`<button ref=${button} type="button" class="round strong" aria-label=${t("record")} onClick=${record}><${Icon} name="microphone" /></button>`;
}

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${Math.min(TALLEST_PX, field.scrollHeight + 2)}px`;
}

// Half a surrogate pair or a NUL cannot be stored anywhere.
const whole = (text) => (text.toWellFormed?.() ?? text).replaceAll("\0", "");

function useRecorder({ visit, setTake, setTrouble, say, stopped }) {
  const recording = useRef(null);
  const returning = useRef(false);
  const done = () => { recording.current = null; returning.current = true; setTake(null); };
  const fail = (error) => {
    if (!(error instanceof MicrophoneError)) console.warn("recording failed:", error);
    done();
    setTrouble(error.reason ?? "mic_failed");
  };
  const begin = async () => {
    setTrouble("");
    stopped();
    const mine = recording.current = {};
    setTake({ seconds: 0, levels: [], asking: true });
    try {
      const opened = await Recording.begin((seconds, levels) => setTake({ seconds, levels: levels.slice(-SHOWN_LEVELS), full: opened.full }));
      if (recording.current !== mine) return opened.cancel();
      recording.current = opened;
      setTake({ seconds: 0, levels: [] });
    } catch (error) { if (recording.current === mine) fail(error); }
  };
  const cancel = () => { recording.current?.cancel?.(); done(); };
  const send = () => recording.current?.finish?.(visit.limits.audio_bytes).then((spoken) => { done(); say(spoken); }).catch(fail);
  return { begin, cancel, send, returning };
}

function Take({ take, t, cancel, send }) {
  const box = useRef();
  useEffect(() => { box.current.querySelector(".strong").focus(); }, []);
  const escape = (event) => { if (event.key === "Escape") cancel(); };
  return html`<div class="row take" ref=${box} role="group" aria-label=${t("record_running")} onKeyDown=${escape}>
    <button type="button" class="round plain" aria-label=${t("record_cancel")} onClick=${cancel}><${Icon} name="bin" /></button>
    <div class="meter">
      <span class="dot" aria-hidden="true"></span>
      <span role="timer" class="seconds">${clock(take.seconds)}</span>
      ${take.asking ? html`<span class="hint">${t("record_asking")}</span>` : take.full ? html`<span class="hint" role="alert">${t("record_full")}</span>`
        : html`<${Levels} levels=${take.levels} />`}
      <span class="unseen" role="status">${take.asking ? "" : t("record_running")}</span>
    </div>
    <button type="button" class="round strong" aria-label=${t("record_send")} aria-disabled=${String(!!take.asking)} onClick=${send}><${Icon} name="send" /></button>
  </div>`;
}

const Levels = ({ levels }) => html`<svg class="levels" viewBox=${`0 0 ${SHOWN_LEVELS * 4} 32`} preserveAspectRatio="xMaxYMid slice" aria-hidden="true" focusable="false">
  <path d=${levels.map((level, index) => {
    const tall = Math.max(2, 28 * Math.min(100, level * 1.6) / 100);
    return `M${(SHOWN_LEVELS - levels.length + index) * 4 + 2} ${16 - tall / 2}v${tall}`;
  }).join("")} /></svg>`;
