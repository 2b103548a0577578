"""Flows: a conversation by steps that are written down beforehand. Pure: nothing here waits, reads a clock or sends.

    flow = parse(text, source="clinica.toml")         FlowError, with all that is wrong
    moment = start(flow, now_ms, given)               the first move
    moment = step(flow, moment.state, texts, now_ms)  the contact wrote
    moment = timed_out(flow, moment.state, now_ms)    `moment.wake_at_ms` has come
    moment = resume(flow, moment.state, Result(call.id, value), now_ms)   an action is done

A Moment says what is to be done and in which order, what is to be kept, and when to ask again. docs/flows.md says how
a flow is written. The seam to the core is this file; the parts are `loading` and `checking` (what a file may hold),
`answers` (what people write), `stepping` (the moves) and `drawing`.
"""

from gateway.rules.flows.answers import picks
from gateway.rules.flows.checking import Needs, needs
from gateway.rules.flows.drawing import as_text, drawn
from gateway.rules.flows.loading import FlowError, parse
from gateway.rules.flows.model import (
    GIVEN,
    Assist,
    Call,
    Effect,
    End,
    Flow,
    Moment,
    Result,
    Say,
    State,
    Transfer,
    Value,
)
from gateway.rules.flows.stepping import intents_wanted, numbered, resume, start, step, timed_out, wake_at

__all__ = [
    "GIVEN",
    "Assist",
    "Call",
    "Effect",
    "End",
    "Flow",
    "FlowError",
    "Moment",
    "Needs",
    "Result",
    "Say",
    "State",
    "Transfer",
    "Value",
    "as_text",
    "drawn",
    "intents_wanted",
    "needs",
    "numbered",
    "parse",
    "picks",
    "resume",
    "start",
    "step",
    "timed_out",
    "wake_at",
]
