// How the open conversation came where it is: its turns, and how it passed from hand to hand, in one line of time.

import { html, useEffect, useRef } from "./vendor/htm-preact.js";
import { Icon } from "./icons.js";

const MOST = 50;  // turns
const OUTCOMES = { answered: "outcome_answered", transferred: "outcome_transferred", held: "outcome_held", ignored: "outcome_ignored", dead: "outcome_dead" };
const RANK = { unsure: 0, withdrawn: 1, templated: 1, sent: 2, failed: 3, delivered: 4, read: 5, played: 6 };  // as the gateway has it: a state only rises
const WITHDRAWN = { person_took_over: "state_withdrawn", opted_out: "withdrawn_opted_out", overtaken: "withdrawn_overtaken",
  a_day_late: "withdrawn_late", outside_reply_window: "withdrawn_window" };
const INSTEAD = "text_instead:";
const WRITTEN_BY_NATURE = "format_text";  // of a fixed sentence it says only that it is one

export const moment = (at, { locale }) => {
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(locale, { ...(!today && { day: "numeric", month: "short" }), hour: "2-digit", minute: "2-digit" }).format(then);
};

export function History({ open, words, t, acts }) {
  const { history } = open;
  const toggle = (event) => { if (event.currentTarget.open !== !!history) acts.history(event.currentTarget.open); };
  return html`<details class="history" open=${!!history} onToggle=${toggle}><summary>${t("history")}</summary>
    ${history?.lost && html`<p class="trouble" role="status">${t("history_lost")}</p>`}
    ${history && !history.turns && !history.lost && html`<p class="faint" role="status">${t("history_loading")}</p>`}
    ${history?.turns && html`<${Past} turns=${history.turns} course=${open.facts.course} words=${words} t=${t} />`}
  </details>`;
}

function Past({ turns, course, words, t }) {
  const { lines, cut } = past(turns, course);
  const list = useRef();
  useEffect(() => { const box = list.current?.closest(".card"); if (box) box.scrollTop = box.scrollHeight; }, []);  // the newest is what is asked for
  if (!lines.length) return html`<p class="faint">${t("history_empty")}</p>`;
  return html`${cut && html`<p class="faint">${t("history_earlier")}</p>`}
    <ol ref=${list}>${lines.map((line) => html`<li key=${line.key} class=${line.kind}>
      <p class="when"><time datetime=${line.at}>${moment(line.at, words)}</time> <strong dir="auto">${t(...line.what)}</strong></p>
      ${line.why && html`<p dir="auto">${line.why}</p>`}
      ${line.form && html`<p class="faint" dir="auto">${t(...line.form.said)}${line.form.why && `: ${line.form.why}`}</p>`}
      ${line.lost?.map((one) => html`<p class="undelivered" key=${one.key}><${Icon} name="alert" /><span>${t(one.key)}${one.code && ` (${one.code})`}</span></p>`)}
    </li>`)}</ol>`;
}

// -> the lines in order, the newest last, and whether something came before them.
export function past(turns, course) {
  const shown = turns.slice(-MOST);
  const cut = shown.length > 0 && shown[0].covers.after > 0;
  const passed = course.map((step, place) => passing(step, course[place - 1], turns)).filter(({ at }) => !cut || at >= shown[0].ended_at);
  const lines = [...shown.map(told), ...passed].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return { lines, cut };
}

const told = (turn) => ({ key: turn.turn, kind: turn.outcome, at: turn.ended_at, what: [OUTCOMES[turn.outcome] ?? turn.outcome], why: turn.why,
  form: form(turn), lost: undelivered(turn.deliveries) });

// The reason stays the same for as long as people have it, and the turn that called them has said it.
function passing(step, before, turns) {
  const said = step.why === before?.why || turns.some(({ ended_at, why }) => ended_at === step.at && why === step.why);
  return { key: `${step.at}-${step.state}-${step.person}-${step.to}`, kind: "passing", at: step.at, what: hands(step, before), why: said ? "" : step.why };
}

function hands({ state, to, person }, before) {
  const moved = ["requested", "held"].includes(before?.state) && before.to !== to;  // another team, whoever has it
  if (state === "requested" || (state === "held" && moved)) return ["step_requested", { to }];
  if (state === "held") return person ? ["step_held", { person }] : ["step_held_nobody"];
  return ["step_released"];
}

// Voice or text, and why; null where nothing was said.
function form({ reply, reason, timeline, deliveries }) {
  if (!reply?.parts.length) return null;
  const codes = [...timeline.filter(({ step }) => step === "voice").map((line) => line.reason), ...deliveries.map(({ detail }) => detail)];
  const instead = codes.find((code) => code?.startsWith(INSTEAD));
  if (instead) return { said: ["fell_to_text", { code: instead.slice(INSTEAD.length) }], why: "" };
  const shape = timeline.findLast(({ step }) => step === "shape");
  const fixed = shape?.reason === WRITTEN_BY_NATURE && reason !== "assistant";
  return { said: [reply.parts.some(({ kind }) => kind === "voice") ? "in_voice" : "in_writing"], why: (!fixed && shape?.why) || "" };
}

// What did not arrive as it was meant to, each kind of it once. A repeat is `0:again1`: what it brought there has arrived,
// whatever became of the first try.
function undelivered(deliveries) {
  const tries = new Map();
  for (const one of deliveries) if (RANK[one.state] >= RANK[tries.get(one.part)?.state ?? "unsure"]) tries.set(one.part, one);
  const parts = new Map();
  for (const one of tries.values()) {
    const part = one.part.split(":")[0];
    if (!parts.has(part) || lack(parts.get(part))) parts.set(part, one);
  }
  return [...new Map([...parts.values()].map(lack).filter(Boolean).map((one) => [one.key + one.code, one])).values()];
}

function lack({ state, detail = "" }) {
  if (state === "withdrawn") return { key: WITHDRAWN[detail] ?? "withdrawn_other", code: WITHDRAWN[detail] ? "" : detail };
  const key = { failed: "state_failed", unsure: "state_unsure", templated: "state_templated" }[state];
  return key && { key, code: state === "failed" ? detail : "" };
}
