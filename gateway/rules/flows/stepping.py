"""A conversation walks through a flow. Pure: the clock is an argument, and what is to be done is handed back.

A move goes from step to step until one rests (a question, a talk with the assistant, an action whose result is awaited)
or the flow ends. As no loop is without an answer (`checking`), a move visits no step twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.rules.flows.answers import Told, Wrong, read, shown
from gateway.rules.flows.checking import HOLE
from gateway.rules.flows.conditions import holds
from gateway.rules.flows.model import (
    GIVEN,
    Assist,
    Call,
    Effect,
    End,
    Flow,
    Moment,
    Option,
    Place,
    Result,
    Say,
    State,
    Step,
    Transfer,
    Value,
    Variables,
)
from gateway.rules.flows.words import cancels, goes_back, own

ACTION_TIMEOUT_S = 60.0
"""An action that says nothing for so long has failed, unless its step says otherwise."""
MOST_BACK = 10
"""Questions one can go back."""
MOST_KEPT = 4096
"""Characters of a variable."""
HEARD = ("message", "intent")
"""Of `model.GIVEN`: what each message fills anew."""
MOST_INSTRUCTED = 300
"""Characters of a variable within instructions."""


def start(flow: Flow, now_ms: int, given: Variables | None = None) -> Moment:
    """The first move. `given`: what is known of `model.GIVEN`; other names are left out."""
    return _Move(flow, now_ms, _given(given or {})).walk(flow.start).moment()


def step(flow: Flow, state: State, texts: Sequence[str], now_ms: int, intent: str = "") -> Moment:
    """The contact wrote. `texts`: a burst, oldest first; `intent`: which of `intents_wanted` it was judged to be.

    Without a word in them nothing happens, and neither while an action is awaited. Of a question that nobody could ask
    any more, because the flow was edited, the flow starts over.
    """
    said = [text.strip()[: MOST_KEPT + 1] for text in texts if text.strip()]
    asked = flow.steps.get(state.step)
    if any(map(cancels, said)):
        return _cancelled(flow, state, now_ms)
    if asked is None or not asked.rests or state.flow != flow.name:
        return _over(flow, state, said, now_ms)
    if not said or asked.kind == "action":
        return _unmoved(flow, state, "nothing_said" if not said else "action_awaited")
    move = _Move.on(flow, state, now_ms, message="\n".join(said)[:MOST_KEPT], intent=intent)
    if any(map(goes_back, said)) and not _is_option(asked, said, move):
        return move.back(asked).moment()
    return move.heard(asked, said).moment()


def timed_out(flow: Flow, state: State, now_ms: int) -> Moment:
    """The wake-up of `Moment.wake_at_ms`. One that comes too early, twice or for what is past does nothing."""
    wake, asked = wake_at(flow, state), flow.steps.get(state.step)
    if asked is None or not asked.rests or state.flow != flow.name:
        return Moment(None, (End("timeout"),), trail=((state.step, "timeout"),))
    if wake is None or now_ms < wake:
        return _unmoved(flow, state, "not_yet")
    return _Move.on(flow, state, now_ms).left(asked, asked.on_timeout or _failing(asked), "timeout").moment()


def resume(flow: Flow, state: State, result: Result, now_ms: int) -> Moment:
    """An action is done. A result that nobody awaits any more does nothing."""
    awaited = flow.steps.get(state.step)
    if awaited is None or not awaited.rests or state.flow != flow.name:
        return _over(flow, state, (), now_ms)
    if awaited.kind != "action" or result.id != _call_id(state):
        return _unmoved(flow, state, "late_result")
    move = _Move.on(flow, state, now_ms)
    if result.failed:
        return move.note(awaited, f"failed:{result.failed}").walk(awaited.otherwise).moment()
    move.put(awaited.into, result.value if result.value is not None else "")
    return move.note(awaited, "result").walk(awaited.next).moment()


def wake_at(flow: Flow, state: State) -> int | None:
    """When `timed_out` is to be asked; None: never. Milliseconds since the epoch."""
    resting = flow.steps.get(state.step)
    if resting is None:
        return state.asked_at
    default = ACTION_TIMEOUT_S if resting.kind == "action" else flow.timeout_s
    seconds = default if resting.timeout_s is None else resting.timeout_s
    return state.asked_at + round(seconds * 1000) if seconds else None


def intents_wanted(flow: Flow, state: State) -> Sequence[str]:
    """What the next message should be judged by: names of intents."""
    asked = flow.steps.get(state.step)
    return (asked.until_intent,) if asked and asked.until_intent else ()


def numbered(text: str, options: Sequence[str]) -> str:
    """A question where there are no buttons, or too few."""
    lines = [f"{n}. {title}" for n, title in enumerate(options, 1)]
    return "\n".join([text, "", *lines]) if lines else text


# -- moves that need no walk -----------------------------------------------------------------------


def _given(known: Variables) -> dict[str, Value]:
    return {name: _kept(value) for name, value in known.items() if name in GIVEN}


def _cancelled(flow: Flow, state: State, now_ms: int) -> Moment:
    text = _for_contact(flow, flow.cancelled, state.variables) or own("cancelled", flow.language)
    return Moment(None, (Say(text), End("cancelled")), trail=((state.step, "cancelled"),))


def _unmoved(flow: Flow, state: State, reason: str) -> Moment:
    return Moment(state, (), wake_at(flow, state), ((state.step, reason),))


def _over(flow: Flow, state: State, said: Sequence[str], now_ms: int) -> Moment:
    message = {"message": "\n".join(said)[:MOST_KEPT]} if said else {}
    begun = start(flow, now_ms, {**state.variables, **message})
    return replace(begun, trail=((state.step, "started_over"), *begun.trail))


def _failing(asked: Step) -> str:
    return asked.otherwise if asked.kind == "action" else ""


def _call_id(state: State) -> str:
    return f"{state.step}:{state.asked_at}"


def _is_option(asked: Step, said: Sequence[str], move: _Move) -> bool:
    """As "Voltar" may be an option itself."""
    return bool(asked.options) and isinstance(read(asked, said[-1:], move.told), Option)


# -- walking ---------------------------------------------------------------------------------------


@dataclass
class _Move:
    flow: Flow
    now_ms: int
    variables: dict[str, Value]
    history: list[Place] = field(default_factory=list)
    tries: int = 0
    asked_at: int = 0
    resting: str = ""
    effects: list[Effect] = field(default_factory=list)
    trail: list[tuple[str, str]] = field(default_factory=list)

    @staticmethod
    def on(flow: Flow, state: State, now_ms: int, **heard: str) -> _Move:
        move = _Move(flow, now_ms, {**state.variables, **heard}, [*state.history], state.tries, state.asked_at)
        if state.version != flow.version:
            move.trail.append((state.step, "flow_edited"))
        return move

    def moment(self) -> Moment:
        if not self.resting:
            return Moment(None, tuple(self.effects), trail=tuple(self.trail))
        state = State(
            flow=self.flow.name,
            version=self.flow.version,
            step=self.resting,
            variables=self.variables,
            tries=self.tries,
            history=tuple(self.history[-MOST_BACK:]),
            asked_at=self.asked_at,
        )
        return Moment(state, tuple(self.effects), wake_at(self.flow, state), tuple(self.trail))

    def note(self, step: Step, reason: str) -> _Move:
        self.trail.append((step.name, reason))
        return self

    def put(self, name: str, value: Value) -> None:
        if name:
            self.variables[name] = _kept(value)

    @property
    def told(self) -> Told:
        return Told(self.flow.language, _today(self.now_ms, self.flow.timezone))

    def fill(self, text: str) -> str:
        """For the contact, as the flow's language writes dates and numbers."""
        return _for_contact(self.flow, text, self.variables)

    def walk(self, to: str) -> _Move:
        """From `to` on, until a step rests or the flow ends."""
        while to:
            to = self._enter(self.flow.steps[to])
        return self

    def _enter(self, step: Step) -> str:
        """Where to go on; empty: it rests, or that was the end."""
        match step.kind:
            case "ask" | "choose":
                return self._ask(step)
            case "ai":
                return self._talk(step)
            case "action":
                return self._call(step)
            case "transfer" | "end":
                return self._leave(step)
            case "condition":
                return self._turn(step)
            case "set":
                filled = {name: self._argument(value) for name, value in step.values.items()}
                for name, value in filled.items():
                    self.put(name, value)
                self.note(step, "set")
                return step.next
            case "say":
                self.effects.append(Say(self.fill(step.text)))
                self.note(step, "said")
                return step.next

    def _turn(self, step: Step) -> str:
        true = step.condition is not None and holds(step.condition, self.variables)
        self.note(step, "true" if true else "false")
        return step.next if true else step.otherwise

    def _leave(self, step: Step) -> str:
        if step.kind == "transfer":
            self.effects.append(Transfer(step.to, self.fill(step.text)))
            self.note(step, "transfer")
            return ""
        if step.text:
            self.effects.append(Say(self.fill(step.text)))
        self.effects.append(End(step.reason))
        self.note(step, step.reason)
        return ""

    def _call(self, step: Step) -> str:
        self._rest(step)
        arguments = {name: self._argument(value) for name, value in step.arguments.items()}
        self.effects.append(Call(step.action, arguments, f"{step.name}:{self.now_ms}", step.name))
        self.note(step, "called")
        return ""

    def _ask(self, step: Step) -> str:
        self._question(step)
        self.effects.append(Say(self.fill(step.text), _titles(step)))
        self.note(step, "asked")
        return ""

    def _talk(self, step: Step) -> str:
        """With a text, the contact is asked first; without one, the assistant answers what led here."""
        if step.waits:
            self._question(step)
        if step.text:
            self.effects.append(Say(self.fill(step.text)))
            self.note(step, "asked")
            return ""
        self._assist(step)
        return "" if step.waits else step.next

    def _assist(self, step: Step) -> None:
        self.tries += 1
        self.effects.append(Assist(_filled(step.instructions, self.variables, most=MOST_INSTRUCTED)))
        self.note(step, "assistant")

    def _rest(self, step: Step) -> None:
        self.resting, self.asked_at, self.tries = step.name, self.now_ms, 0

    def _question(self, step: Step) -> None:
        self._rest(step)
        known = {name: value for name, value in self.variables.items() if name not in HEARD}
        self.history.append(Place(step.name, known))

    def _argument(self, value: Value) -> Value:
        """A variable alone keeps its type: a number stays one."""
        alone = HOLE.fullmatch(value) if isinstance(value, str) else None
        if alone and alone[1] is not None:
            return self.variables.get(alone[1], "")
        return _filled(value, self.variables) if isinstance(value, str) else value

    # -- answers

    def heard(self, asked: Step, said: Sequence[str]) -> _Move:
        if asked.kind == "ai":
            return self._talked(asked)
        answer = read(asked, said, self.told)
        if isinstance(answer, Wrong):
            return self._again(asked, answer)
        self.put(asked.into, answer.value if isinstance(answer, Option) else answer)
        onward = answer.next if isinstance(answer, Option) and answer.next else asked.next
        return self.note(asked, "answered").walk(onward)

    def _again(self, asked: Step, wrong: Wrong) -> _Move:
        self.tries += 1
        self.note(asked, f"wrong:{wrong.why}")
        if self.tries >= asked.max_tries:
            return self.left(asked, asked.otherwise, "too_many_tries")
        text = self.fill(asked.retry) or own(wrong.why, self.flow.language).format_map(wrong.facts)
        self.effects.append(Say(text, _titles(asked)))
        self.resting, self.asked_at = asked.name, self.now_ms
        return self

    def _talked(self, asked: Step) -> _Move:
        """The last message, and what it was judged to be, may end the talk."""
        judged = bool(asked.until_intent) and self.variables.get("intent") == asked.until_intent
        if judged or (asked.condition is not None and holds(asked.condition, self.variables)):
            return self.note(asked, "answered").walk(asked.next)
        if asked.max_answers and self.tries >= asked.max_answers:
            return self.left(asked, asked.otherwise, "too_many_answers")
        self._assist(asked)
        if not asked.talks:
            return self.walk(asked.next)
        self.resting, self.asked_at = asked.name, self.now_ms
        return self

    def left(self, asked: Step, to: str, reason: str) -> _Move:
        """Nobody answered it, or not so that it could be understood."""
        self.note(asked, reason)
        if not to:
            self.effects.append(End(reason))
        return self.walk(to)

    def back(self, asked: Step) -> _Move:
        """To the question before, and what was known then.

        Passed over is what the edited flow does not ask any more, and a talk that begins without a question.
        """
        steps = self.flow.steps
        known = [place for place in self.history if place.step in steps and steps[place.step].asks]
        if not known or known[-1].step != asked.name:  # a talk, or a question since the flow was edited
            known.append(Place(asked.name, self.variables))
        before = known[:-1] or known
        heard = {name: self.variables[name] for name in HEARD if name in self.variables}
        self.note(asked, "back" if known[:-1] else "nothing_before")
        self.history, self.variables = before[:-1], {**before[-1].variables, **heard}
        return self.walk(before[-1].step)


def _titles(step: Step) -> tuple[str, ...]:
    return tuple(option.title for option in step.options)


def _today(now_ms: int, timezone: str) -> date:
    """Of any number of milliseconds: what no calendar holds is the first day of them all."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        return (epoch + timedelta(milliseconds=now_ms)).astimezone(ZoneInfo(timezone)).date()
    except OverflowError:
        return epoch.date()


def _kept(value: Value) -> Value:
    if isinstance(value, str):
        return value[:MOST_KEPT]
    return value if abs(value) < 1e15 else ""


def _for_contact(flow: Flow, text: str, variables: Variables) -> str:
    return _filled(text, {name: shown(value, flow.language) for name, value in variables.items()})


def _filled(text: str, variables: Mapping[str, Value], *, most: int = 0) -> str:
    """Each hole is filled once: what a customer wrote with brackets stays as it is. With `most`, on one line."""
    parts, at = [], 0
    for hole in HOLE.finditer(text):
        parts += [text[at : hole.start()], _hole(hole[0], hole[1], variables, most)]
        at = hole.end()
    return "".join([*parts, text[at:]])


def _hole(written: str, name: str | None, variables: Mapping[str, Value], most: int) -> str:
    if name is None:
        return written[0]
    value = variables.get(name, "")
    plain = value if isinstance(value, str) else shown(value, "en")
    return " ".join(plain.split())[:most] if most else plain
