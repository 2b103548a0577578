// The wire: what the page may ask of the gateway, and one kind of refusal. docs/api.md is the contract.

export const ROOT = new URL("../", import.meta.url);
const PATIENCE_MS = 20_000;
const UPLOAD_PATIENCE_MS = 180_000;

// status 0 means that nobody answered.
export class Refusal extends Error {
  constructor(status, retryAfter = 0) {
    super(status ? `the gateway answered ${status}` : "nobody answered");
    Object.assign(this, { status, retryAfter });
  }
  get passing() { return [0, 408, 425, 429].includes(this.status) || this.status >= 500; }
  get stranger() { return [401, 403, 404].includes(this.status); }
}

export const channel = () => decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");

export const visit = () => ask(`chat/${encodeURIComponent(channel())}/visit`, { method: "POST" });

export const conversation = (id) => ask(`v1/conversations/${encodeURIComponent(id)}`);

export const messages = (id, after) => ask(`v1/conversations/${encodeURIComponent(id)}/messages${query({ after })}`);

export const events = (id, after) => at(`v1/conversations/${encodeURIComponent(id)}/events${query({ after })}`);

// No `at`: customers' clocks are often wrong, the gateway's is not.
export function send({ id, text, audio }) {
  const path = `v1/channels/${encodeURIComponent(channel())}/messages`;
  if (audio) return ask(path, { method: "POST", body: form(id, audio), patience: UPLOAD_PATIENCE_MS });
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ id, text }) });
}

// Always on our own origin: `public_url` may name this host in another way, which the page's policy would refuse.
export function media(url, as) {
  const there = new URL(url, ROOT);
  if (as) there.searchParams.set("as", as);
  return new URL(there.pathname + there.search, ROOT).href;
}

const at = (path) => new URL(path, ROOT).href;

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

function form(id, audio) {
  const fields = new FormData();
  fields.append("id", id);
  fields.append("audio", audio, `voice.${/ogg|webm|mp4/.exec(audio.type)?.[0] ?? "audio"}`);
  return fields;
}

async function ask(path, { patience = PATIENCE_MS, ...options } = {}) {
  const answer = await fetch(at(path), { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(patience), ...options })
    .catch(() => { throw new Refusal(0); });
  if (!answer.ok) throw new Refusal(answer.status, Number(answer.headers.get("retry-after")) || 0);
  return answer.json().catch(() => { throw new Refusal(0); });  // a hotel's sign-in page also answers 200
}
