// A voice note: sound, waveform, place, speed, transcript. Only one plays at a time.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { media } from "./api.js";
import { Icon } from "./icons.js";
import { Words } from "./text.js";
import { shelf } from "./shelf.js";

const SPEEDS = [1, 1.5, 2];
const STEP_S = 2;
const BAR = 3;
const HEIGHT = 28;
const QUIET = Array(64).fill(4);

let playing = null;
let speed = SPEEDS.find((known) => String(known) === shelf.get("speed")) ?? 1;
const listeners = new Set();
const waiting = [];

// Where the bytes are, best first: the note itself where the browser is sure of it, else MP3 (Safari and its older Ogg).
export function sources(part, canPlay) {
  const own = { src: media(part.media.url), type: part.media.mime };
  const mp3 = { src: media(part.media.url, "mp3"), type: "audio/mpeg" };
  return canPlay(own.type) === "probably" ? [own, mp3] : [mp3, own];
}

export const hush = () => playing?.pause();

// Plays the notes with these keys one after another, as soon as nothing else plays.
export function playLater(key) {
  waiting.push(key);
  if (!playing) playNext();
}

function playNext() {
  const next = document.getElementById(waiting.shift())?.querySelector("audio");
  next?.play().catch((reason) => console.warn("a new voice note waits for a click:", reason.name));
}

function took(audio) {
  if (playing && playing !== audio) playing.pause();
  playing = audio;
}

function left(audio) {
  if (playing === audio) playing = null;
}

function cycleSpeed() {
  speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
  shelf.put("speed", String(speed));
  for (const listener of listeners) listener(speed);
}

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function useSpeed(audio) {
  const [value, setValue] = useState(speed);
  useEffect(() => { listeners.add(setValue); return () => listeners.delete(setValue); }, []);
  useLayoutEffect(() => { audio.current.playbackRate = audio.current.defaultPlaybackRate = value; }, [value]);
  return value;
}

// The place of the sound in seconds, as often as the screen is drawn, only while it plays.
function useSound(audio) {
  const [state, setState] = useState({ playing: false, time: 0, broken: false });
  useEffect(() => {
    const sound = audio.current;
    let frame = 0;
    const tell = (facts) => setState((known) => ({ ...known, time: sound.currentTime, ...facts }));
    const run = () => { tell({}); frame = requestAnimationFrame(run); };
    const rest = () => { cancelAnimationFrame(frame); left(sound); };
    const on = {
      play: () => { took(sound); tell({ playing: true, broken: false }); cancelAnimationFrame(frame); run(); },
      pause: () => { rest(); tell({ playing: false }); },
      ended: () => { rest(); sound.currentTime = 0; tell({ playing: false }); playNext(); },
      seeked: () => tell({}),
      error: () => { rest(); tell({ playing: false, broken: true }); },
    };
    for (const [name, act] of Object.entries(on)) sound.addEventListener(name, act);
    return () => { sound.pause(); rest(); };
  }, []);
  return [state, setState];
}

export function VoiceNote({ id, part, local, t }) {
  const audio = useRef();
  const [state, setState] = useSound(audio);
  const rate = useSpeed(audio);
  const total = part.media.seconds || 0;
  const place = Math.min(state.time, total);
  const seek = (seconds) => {
    audio.current.currentTime = Math.max(0, Math.min(total, seconds));
    setState((known) => ({ ...known, time: audio.current.currentTime }));  // before anything is loaded no event tells it
  };
  const broken = () => { left(audio.current); setState((known) => ({ ...known, playing: false, broken: true })); };
  return html`<div class="note" role="group" aria-label=${`${t("voice_note")} ${clock(total)}`}>
    <${Sound} audio=${audio} part=${part} local=${local} broken=${broken} />
    <div class="note-row">
      <button type="button" class="round strong play" aria-label=${t(state.playing ? "pause" : "play")} onClick=${() => toggle(audio.current, state)}>
        <${Icon} name=${state.playing ? "pause" : "play"} /></button>
      <${Waveform} seek=${seek} samples=${part.media.waveform} place=${place} total=${total} t=${t} toggle=${() => toggle(audio.current, state)} />
    </div>
    <div class="note-foot">
      <span class="note-time">${clock(place)}<span class="faint"> / ${clock(total)}</span></span>
      <button type="button" class="small" aria-label=${t("speed", { speed: rate })} onClick=${cycleSpeed}><span>${rate}×</span></button>
      ${part.transcript && html`<${Transcript} id=${id} text=${part.transcript} t=${t} />`}
    </div>
    ${state.broken && html`<p class="trouble" role="alert">${t("unplayable")}</p>`}
  </div>`;
}

function Sound({ audio, part, local, broken }) {
  const from = local ? [{ src: local }] : sources(part, (type) => document.createElement("audio").canPlayType(type));
  return html`<audio ref=${audio} preload="none">${from.map(({ src, type }, place) =>
    html`<source src=${src} type=${type} onError=${place === from.length - 1 ? broken : undefined} />`)}</audio>`;
}

// A note whose sources all failed still counts as playing for the browser.
function toggle(sound, { broken }) {
  if (broken) sound.load();
  else if (!sound.paused) return sound.pause();
  return sound.play().catch((reason) => console.warn("could not play:", reason.name));
}

function Waveform({ seek, samples, place, total, t, toggle }) {
  const bars = drawn(samples?.length ? samples : QUIET);
  const width = 64 * BAR;
  return html`<div class="wave" role="slider" tabindex="0" aria-label=${t("position")} aria-valuemin="0" aria-valuemax=${Math.round(total)}
      aria-valuenow=${Math.round(place)} aria-valuetext=${t("position_value", { time: clock(place), total: clock(total) })}
      onKeyDown=${(event) => steer(event, place, total, seek, toggle)} onPointerDown=${(event) => drag(event, total, seek)}
      onPointerMove=${(event) => event.buttons && drag(event, total, seek)}>
    <svg viewBox=${`0 0 ${width} ${HEIGHT}`} aria-hidden="true" focusable="false">
      <path class="bars" d=${bars} />
      <svg class="played" width=${total ? width * place / total : 0} height=${HEIGHT}><path class="bars" d=${bars} /></svg>
    </svg></div>`;
}

const drawn = (samples) => samples.map((sample, index) => {
  const tall = Math.max(1.5, (HEIGHT - 4) * Math.min(100, sample) / 100);
  return `M${index * BAR + BAR / 2} ${((HEIGHT - tall) / 2).toFixed(1)}v${tall.toFixed(1)}`;
}).join("");

function steer(event, place, total, seek, toggle) {
  const steps = { ArrowRight: STEP_S, ArrowUp: STEP_S, ArrowLeft: -STEP_S, ArrowDown: -STEP_S,
    PageUp: total / 5, PageDown: -total / 5, Home: -Infinity, End: Infinity };
  if (event.key in steps) seek(place + steps[event.key]);
  else if (event.key === " " || event.key === "Enter") toggle();
  else return;
  event.preventDefault();
}

function drag(event, total, seek) {
  event.currentTarget.setPointerCapture(event.pointerId);
  const { left, width } = event.currentTarget.getBoundingClientRect();
  seek(total * (event.clientX - left) / width);
}

function Transcript({ id, text, t }) {
  const [open, setOpen] = useState(false);
  const name = `words-${id}`;
  return html`<button type="button" class="small" aria-expanded=${String(open)} aria-controls=${name} onClick=${() => setOpen(!open)}>
      <span>${t("transcript")}</span></button>
    <div id=${name} class="transcript" hidden=${!open}>${open && html`<${Words} text=${text} note=${t("opens_elsewhere")} />`}</div>`;
}
