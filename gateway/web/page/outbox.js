// What the customer said and the gateway has not confirmed: sent one by one, in order, under the same id until it is on disk there.

import { shelf } from "./shelf.js";

const PAUSES_MS = [1000, 3000, 8000];
const LONGEST_PAUSE_MS = 30_000;

export class Outbox {
  entries = [];
  #timer = 0;
  #busy = false;

  // send(entry) resolves once the gateway has it; changed() is called after every change.
  constructor({ channel, send, changed }) {
    Object.assign(this, { send, changed, drawer: `outbox.${channel}.` });
    this.entries = shelf.keys(this.drawer).map((key) => restore(shelf.get(key))).filter(Boolean).sort((a, b) => a.at - b.at);
  }

  add({ text, audio, seconds, waveform }) {
    const entry = { id: newId(), at: Date.now(), state: "sending", tries: 0, text, audio, seconds, waveform };
    if (audio) entry.url = URL.createObjectURL(audio);
    else shelf.put(this.drawer + entry.id, JSON.stringify({ id: entry.id, at: entry.at, text }));
    this.entries = [...this.entries, entry];
    this.#tell();
    this.drain();
  }

  retry(id) {
    this.#change(id, { state: "sending", tries: 0 });
    this.#now();
  }

  discard(id) {
    const gone = this.#take(id);
    if (gone?.url) URL.revokeObjectURL(gone.url);
  }

  // The gateway's own copy arrived: ours is handed over and forgotten.
  settle(id) {
    return this.entries.some((entry) => entry.id === id) ? this.#take(id) : null;
  }

  // The connection is back: what failed for want of it gets another chance.
  wake() {
    for (const { id, state, passing } of this.entries) if (state === "failed" && passing) this.#change(id, { state: "sending", tries: 0 });
    this.#now();
  }

  get unsaved() { return this.entries.some((entry) => entry.audio && entry.state !== "sent"); }

  async drain() {
    const entry = this.entries.find((entry) => entry.state === "sending");
    if (!entry || this.#busy || this.#timer) return;
    this.#busy = true;
    try {
      await this.send(entry);
      this.#sent(entry.id);
    } catch (refusal) {
      this.#refused(entry, refusal);
    } finally { this.#busy = false; }
    this.drain();
  }

  #sent(id) {
    shelf.drop(this.drawer + id);
    this.#change(id, { state: "sent" });
  }

  #refused(entry, refusal) {
    const pause = Math.max(PAUSES_MS[entry.tries] ?? Infinity, refusal.retryAfter * 1000 || 0);
    if (refusal.passing && pause <= LONGEST_PAUSE_MS) {
      this.#change(entry.id, { tries: entry.tries + 1 });
      this.#timer = setTimeout(() => this.#now(), pause);
    } else this.#change(entry.id, { state: "failed", passing: refusal.passing, reason: reason(entry, refusal) });
  }

  #now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.drain();
  }

  #take(id) {
    const gone = this.entries.find((entry) => entry.id === id);
    this.entries = this.entries.filter((entry) => entry.id !== id);
    shelf.drop(this.drawer + id);
    this.#tell();
    return gone;
  }

  #change(id, facts) {
    this.entries = this.entries.map((entry) => entry.id === id ? { ...entry, ...facts } : entry);
    this.#tell();
  }

  #tell() { this.changed(); }
}

// A key of WORDS. A refusal that is not from the wire is a mistake of ours: it is shown as "busy" and told to the console.
function reason({ audio }, refusal) {
  if (refusal.status === undefined) console.warn("could not send:", refusal);
  const kind = audio ? "audio" : "text";
  const known = { 0: "failed_unreachable", 401: "failed_stranger", 403: "failed_stranger", 404: "failed_stranger",
    409: "failed_conflict", 413: `failed_${kind}_large` };
  return known[refusal.status] ?? (refusal.passing === false ? `failed_${kind}_refused` : "failed_busy");
}

function restore(kept) {
  try {
    const { id, at, text } = JSON.parse(kept);
    return typeof text === "string" && id ? { id, at, text, state: "sending", tries: 0 } : null;
  } catch { return null; }  // somebody else's value under our name
}

// crypto.randomUUID exists only on https and localhost.
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
