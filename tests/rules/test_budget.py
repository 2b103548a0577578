"""Who is passed over once a month's tokens are spent, and when people are called for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.config import Queue
from gateway.rules.budget import day_of, is_limited, month_of, named, nobody_left, spent
from gateway.rules.flows import parse, start
from gateway.rules.precedence import Ask, Decision, Follow, Ignore, Said, Say, Situation, StaySilent, Transfer, decide
from storage.model import Hold


def hosted(limit: int = 0, model: str = "luna") -> dict[str, Any]:
    return {"provider": "openai", "api_key": "k", "model": model, "monthly_tokens": limit}


def queue(*assistants: dict[str, Any], **more: Any) -> Queue:
    first, *further = assistants
    return Queue.model_validate({"name": "loja", "assistant": first, "assistants": further, **more})


LOCAL = {"provider": "local"}
ONE, TWO = queue(hosted(100)), queue(hosted(100), hosted(150, "sol"))
FREE, RESCUED = queue(hosted()), queue(hosted(100), LOCAL)
REVERSED = queue(hosted(150), hosted(100, "sol"))


@pytest.mark.parametrize(
    ("of", "tokens", "over", "nobody"),
    [
        pytest.param(ONE, 0, set(), False, id="nothing spent"),
        pytest.param(ONE, 99, set(), False, id="one token left"),
        pytest.param(ONE, 100, {0}, True, id="just spent"),
        pytest.param(ONE, 5_000, {0}, True, id="by far: the last answer was long"),
        pytest.param(FREE, 10**12, set(), False, id="no limit"),
        pytest.param(TWO, 100, {0}, False, id="the second goes on"),
        pytest.param(TWO, 150, {0, 1}, True, id="until its own mark"),
        pytest.param(REVERSED, 100, {1}, False, id="the first goes on without a second"),
        pytest.param(RESCUED, 10**12, {0}, False, id="the embedded one counts none"),
        pytest.param(queue({**LOCAL, "monthly_tokens": 1}), 5, set(), False, id="and nothing limits it"),
        pytest.param(queue(hosted(100), hosted()), 100, {0}, False, id="the second has no limit"),
    ],
)
def test_each_limit_is_a_mark_on_the_queue_s_count(of: Queue, tokens: int, over: Collection[int], nobody: bool) -> None:
    assert (spent(of, tokens), nobody_left(of, tokens)) == (over, nobody)


def test_nobody_counts_where_nothing_is_limited() -> None:
    assert [is_limited(each) for each in (FREE, queue(LOCAL), queue({**LOCAL, "monthly_tokens": 1}))] == [False] * 3
    assert [is_limited(each) for each in (ONE, REVERSED, queue(hosted(), hosted(1)))] == [True] * 3


def test_the_operator_reads_who_it_is() -> None:
    assert (named(TWO, 0), named(TWO, 100), named(TWO, 150)) == ("", "openai/luna", "openai/luna, openai/sol")


@pytest.mark.parametrize(
    ("moment", "month", "day"),
    [
        ("2026-11-01T00:00:00.000", "2026-11-01", "2026-11-01"),
        ("2026-11-30T23:59:59.999", "2026-11-01", "2026-11-30"),
        ("2026-12-01T00:00:00.000", "2026-12-01", "2026-12-01"),
    ],
)
def test_a_month_begins_in_utc(moment: str, month: str, day: str) -> None:
    at = round(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)
    assert (month_of(at), day_of(at)) == (month, day)


# -- on the ladder ----------------------------------------------------------------------------------------

HELLO, STICKER = Said("oi"), Said("", problem="cannot_read")
PIX = [{"value": ["pix"], "reply": "123."}]


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        pytest.param(Situation([HELLO], None, queue=ONE, tokens=99), Ask("oi"), id="asked"),
        pytest.param(Situation([HELLO], None, queue=ONE, tokens=100), Transfer("budget"), id="people are called"),
        pytest.param(Situation([HELLO], None, queue=TWO, tokens=100), Ask("oi", passed_over={0}), id="the next one"),
        pytest.param(
            Situation([HELLO], Hold("humanos", "wish", 1), queue=ONE, tokens=100),
            StaySilent("held_by_person"),
            id="who has people needs no others",
        ),
        pytest.param(
            Situation([Said("quero falar com um atendente")], None, queue=ONE, tokens=100),
            Transfer("wish"),
            id="a wish is a wish",
        ),
        pytest.param(
            Situation([Said("pix?")], None, queue=queue(hosted(100), auto_replies=PIX), tokens=100),
            Say("", "auto_reply", text="123."),
            id="a fixed reply costs nothing",
        ),
        pytest.param(
            Situation([STICKER], None, queue=ONE, tokens=100), Say("cannot_read", "cannot_read"), id="nor our own words"
        ),
        pytest.param(Situation([HELLO], None, opted_out=True, queue=ONE, tokens=100), Ignore("opted_out"), id="left"),
    ],
)
def test_the_ladder_passes_over_who_is_spent(situation: Situation, decision: Decision) -> None:
    assert decide(situation) == decision


FLOW = parse(
    'name = "a"\nstart = "um"\ntimeout_s = 60\n[[steps]]\nname = "um"\nkind = "ask"\ninto = "x"\ntext = "Qual?"\n'
    'next = "fim"\n[[steps]]\nname = "fim"\nkind = "end"\ntext = "Feito."\n'
)
MENU = [{"file": "a.toml", "value": ["menu"]}]


def follow(said: list[Said], tokens: int, *, automatic: bool = True, woken: Collection[str] = ()) -> Follow:
    of = queue(hosted(100), flows=MENU, automatic=automatic)
    stands = start(FLOW, 0).state
    decision = decide(
        Situation(said, None, queue=of, flows={"a.toml": FLOW}, tokens=tokens, stands=stands, woken=woken)
    )
    assert isinstance(decision, Follow)
    return decision


def test_a_flow_s_assistant_is_passed_over_too() -> None:
    assert (follow([HELLO], 99).ask, follow([HELLO], 99).otherwise) == (Ask("oi"), Ask("oi"))
    over = follow([HELLO], 100)
    assert (over.ask, over.otherwise) == (Ask("oi", passed_over={0}), Transfer("budget"))
    assert follow([HELLO], 100, automatic=False).otherwise == StaySilent("switched_off"), "nobody is called there"
    assert follow([], 100, woken=["flow"]).ask == Ask("", passed_over={0}), "nor where nobody wrote"
