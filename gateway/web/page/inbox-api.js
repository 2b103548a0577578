// The wire of the inbox: the key, what may be asked with it, and the stream that says what changed. docs/api.md is the contract.
//
// The key lies in this tab's own storage and travels in a header only: never in an address, a cookie or a log.

import { Refusal, ROOT } from "./api.js";

const PATIENCE_MS = 20_000;
const SPEAKING_PATIENCE_MS = 120_000;
const QUIET_MS = 45_000;  // the gateway sends a sign of life every 15 s
const NAME = "recado.inbox.key";
const KEPT_MEDIA = 60;
const LATEST = 100;  // messages whose turns are read: a turn may be of several

let spare = "";

export const key = {
  get: () => { try { return sessionStorage.getItem(NAME) ?? spare; } catch { return spare; } },
  put: (text) => { spare = text; try { sessionStorage.setItem(NAME, text); } catch { /* kept until the tab is reloaded */ } },
  drop: () => { spare = ""; try { sessionStorage.removeItem(NAME); } catch { /* it never was there */ } },
};

export const list = (after) => ask(`v1/inbox${after ? `?${new URLSearchParams({ after })}` : ""}`);

export const conversation = (id) => ask(of(id));

export const messages = (id, after) => ask(`${of(id)}/messages?${new URLSearchParams({ after })}`);

export const turns = (id) => ask(`${of(id)}/turns?${new URLSearchParams({ latest: LATEST })}`);

export const take = (id, wish) => post(`${of(id)}/take`, wish);

export const write = (id, reply) => post(`${of(id)}/messages`, reply, reply.speak ? SPEAKING_PATIENCE_MS : PATIENCE_MS);

export const resolve = (id, wish) => post(`${of(id)}/resolve`, wish);

export const release = (id, wish) => post(`${of(id)}/release`, wish);

const of = (id) => `v1/conversations/${encodeURIComponent(id)}`;

const post = (path, body, patience) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), patience });

const kept = new Map();

// A sound or picture as an address of this page's own: a player cannot send a key along.
export function media(conversation, id, as = "") {
  const name = `${id}${as}`;
  if (!kept.has(name)) kept.set(name, fetched(conversation, id, as).catch((refusal) => { kept.delete(name); throw refusal; }));
  forgetOldest();
  return kept.get(name);
}

async function fetched(conversation, id, as) {
  const answer = await call(`v1/media/${encodeURIComponent(id)}?${new URLSearchParams({ conversation, ...(as && { as }) })}`, { cache: "default" });
  return URL.createObjectURL(await answer.blob());
}

function forgetOldest() {
  for (const [name, url] of [...kept].slice(0, -KEPT_MEDIA)) {
    kept.delete(name);
    url.then(URL.revokeObjectURL, () => {});
  }
}

// Calls hear(name, data) for each event, for as long as the connection lasts; resolves when it ended, rejects when it never began.
export async function listen(hear, signal) {
  const alive = new AbortController();
  let timer = 0;
  const touch = () => { clearTimeout(timer); timer = setTimeout(() => alive.abort(), QUIET_MS); };
  touch();
  try {
    const answer = await call("v1/inbox/events", { signal: AbortSignal.any([signal, alive.signal]), patience: 0 });
    hear("open", null);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "", piece; !(piece = await reader.read()).done;) {
      touch();
      const blocks = (rest + piece.value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) tell(block, hear);
    }
  } finally { clearTimeout(timer); }
}

function tell(block, hear) {
  const name = /^event: (.+)$/m.exec(block)?.[1];
  const data = /^data: (.+)$/m.exec(block)?.[1];
  if (name && data) hear(name, JSON.parse(data));
}

async function ask(path, options = {}) {
  const answer = await call(path, options);
  return answer.json().catch(() => { throw new Refusal(0); });
}

async function call(path, { patience = PATIENCE_MS, headers, signal, ...options } = {}) {
  const limit = signal ?? (patience ? AbortSignal.timeout(patience) : undefined);
  const answer = await fetch(new URL(path, ROOT), { credentials: "omit", cache: "no-store", signal: limit,
    headers: { ...headers, authorization: `Bearer ${key.get()}` }, ...options }).catch(() => { throw new Refusal(0); });
  if (answer.ok) return answer;
  const { field = "", detail = "" } = await answer.json().catch(() => ({}));
  throw Object.assign(new Refusal(answer.status, Number(answer.headers.get("retry-after")) || 0), { field, detail });
}
