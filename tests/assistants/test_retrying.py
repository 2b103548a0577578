from __future__ import annotations

import pytest

from gateway.assistants.base import Again, Ask, AssistantError, Finished, Text, Utterance
from gateway.assistants.responses import OpenAIResponses
from gateway.assistants.retrying import GiveUp, Retry, Retrying, next_step
from tests.fakes import openai as wire
from tests.fakes.openai import KEY, FakeOpenAI, Reply


def err(reason: str, retryable: bool = True, retry_after: float | None = None) -> AssistantError:
    return AssistantError(reason, retryable=retryable, retry_after=retry_after)


STEPS = [
    ([err("insufficient_quota", False)], 0, GiveUp("insufficient_quota")),
    ([err("refusal", False)], 0, GiveUp("refusal")),
    ([err("server_error")], 0, Retry(0.5)),
    ([err("server_error"), err("stream_cut")], 1, Retry(1.0)),
    ([err("server_error")] * 3, 2, GiveUp("tries")),
    ([err("rate_limit_exceeded", retry_after=3)], 0, Retry(3.125)),
    ([err("rate_limit_exceeded", retry_after=60)], 0, GiveUp("budget")),
    ([err("server_error")], 44.6, GiveUp("budget")),
    ([err("timeout")], 10, Retry(0.5)),
    ([err("timeout"), err("timeout")], 20, GiveUp("timeout")),
    ([err("timeout"), err("server_error")], 20, Retry(1.0)),
    ([err("conversation_locked")], 0, Retry(3.0)),
    ([err("conversation_locked", retry_after=30)], 0, Retry(5.0)),
    ([err("conversation_locked", retry_after=0.1)], 0, Retry(1.0)),
    ([err("context_length_exceeded", False)], 0, Retry(0.0, shorter=True)),
    ([err("context_length_exceeded", False)] * 2, 1, GiveUp("context_length_exceeded")),
    ([err("server_error"), err("context_length_exceeded", False)], 1, Retry(0.0, shorter=True)),
]


@pytest.mark.parametrize(("failures", "elapsed", "step"), STEPS)
def test_policy(failures: list[AssistantError], elapsed: float, step: Retry | GiveUp) -> None:
    assert next_step(failures, elapsed, 45.0, 0.5) == step


def test_chance_never_goes_below_what_the_provider_asked() -> None:
    for chance in (0.0, 0.5, 1.0):
        step = next_step([err("slow_down", retry_after=2)], 0, 45, chance)
        assert isinstance(step, Retry)
        assert 2 <= step.after <= 2.25


HISTORY = tuple(Utterance("contact", f"m{n}") for n in range(5))
ASK = Ask("c", "Be kind.", "pt-BR", HISTORY, "Quanto?")


async def tried(*replies: Reply, budget_s: float = 45.0) -> tuple[object, list[float], FakeOpenAI]:
    """What came of it (words or reason), the pauses, and the fake that saw it."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        """Time passes here and nowhere else."""
        pauses.append(seconds)

    async with FakeOpenAI() as fake:
        fake.play(*replies)
        inner = OpenAIResponses(KEY, "gpt-6-luna", base_url=fake.base_url)
        assistant = Retrying(inner, budget_s=budget_s, clock=lambda: sum(pauses), sleep=sleep, chance=lambda: 0.5)
        try:
            events = [e async for e in assistant.answer(ASK)]
            assert sum(isinstance(e, Finished) for e in events) == 1
            last = max((i for i, e in enumerate(events) if isinstance(e, Again)), default=-1)
            return "".join(e.text for e in events[last + 1 :] if isinstance(e, Text)), pauses, fake
        except AssistantError as error:
            return error.reason, pauses, fake
        finally:
            await assistant.close()


async def test_text_of_a_try_that_failed_is_never_said() -> None:
    said, pauses, fake = await tried(wire.cut(after=2), wire.failed("server_error", text="Half"))
    assert (said, pauses, len(fake.asked)) == ("Echo: Quanto?", [0.5, 1.0], 3)


async def test_retry_after_is_honoured_in_milliseconds() -> None:
    limited = wire.refused(429, "rate_limit_exceeded", headers={"retry-after-ms": "1200", "retry-after": "2"})
    said, pauses, _ = await tried(limited)
    assert (said, pauses) == ("Echo: Quanto?", [1.325])


async def test_quota_costs_one_call() -> None:
    said, pauses, fake = await tried(wire.quota())
    assert (said, pauses, len(fake.asked)) == ("insufficient_quota", [], 1)


async def test_three_tries_and_no_more() -> None:
    said, _, fake = await tried(*[wire.refused(500)] * 4)
    assert (said, len(fake.asked)) == ("http_500", 3)


async def test_a_locked_conversation_is_waited_for() -> None:
    assert (await tried(wire.locked()))[:2] == ("Echo: Quanto?", [3.0])


async def test_too_long_leaves_the_older_half_out_and_keeps_the_question() -> None:
    said, _, fake = await tried(wire.too_long())
    assert said == "Echo: Quanto?"
    assert [w for _, w in fake.asked[1].said] == ["m3", "m4", "Quanto?"]


async def test_pauses_count_against_the_budget() -> None:
    said, pauses, fake = await tried(*[wire.refused(429, "slow_down", retry_after=30)] * 2)
    assert (said, pauses, len(fake.asked)) == ("slow_down", [30.125], 2)


async def test_the_budget_ends_a_try_that_hangs() -> None:
    said, _, fake = await tried(wire.hang(after=1), wire.hang(), budget_s=0.6)  # the second has 0.1 s
    assert (said, len(fake.asked)) == ("timeout", 2)
