"""The second assistant answers when the first cannot, and people when none can."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import openai as wire
from tests.fakes.openai import FakeOpenAI
from tests.story.running import running, toml


def two(first: FakeOpenAI, second: FakeOpenAI) -> str:
    further = f"""
[[queues.assistants]]
provider = "openai"
api_key = "{second.key}"
base_url = "{second.base_url}"
model = "gpt-6-luna"
timeout_s = 5

[[channels]]"""
    return toml(first.base_url, openai_key=first.key).replace("[[channels]]", further, 1)


async def test_the_second_answers_when_the_first_cannot(tmp_path: Path) -> None:
    async with FakeOpenAI(lambda _: "do primeiro") as first, FakeOpenAI(lambda _: "do segundo") as second:
        async with running(two(first, second), tmp_path) as (_, contact):
            assert (await contact.ask("oi"))["parts"] == [{"kind": "text", "text": "do primeiro"}]
            assert second.asked == []
            first.play(wire.refused(401, "invalid_api_key"))
            reply = await contact.ask("e agora?")
            assert (reply["outcome"], reply["parts"]) == ("answered", [{"kind": "text", "text": "do segundo"}])
            turn = (await contact.turns())[-1]
            failed = [step for step in turn["timeline"] if step.get("reason", "").startswith("assistant_failed:")]
            assert [step["reason"] for step in failed] == ["assistant_failed:invalid_api_key"]
            assert "oi" in str(second.asked[0]), "with what was said before"


async def test_what_the_first_began_is_not_in_the_answer_of_the_second(tmp_path: Path) -> None:
    async with FakeOpenAI() as first, FakeOpenAI(lambda _: "do segundo") as second:
        async with running(two(first, second), tmp_path) as (_, contact):
            first.play(*[wire.cut("Um começo que ")] * 9)
            assert (await contact.ask("oi"))["parts"] == [{"kind": "text", "text": "do segundo"}]


async def test_people_go_on_when_none_can(tmp_path: Path) -> None:
    async with FakeOpenAI() as first, FakeOpenAI() as second:
        async with running(two(first, second), tmp_path) as (_, contact):
            first.play(wire.refused(401, "invalid_api_key"))
            second.play(wire.refused(404, "model_not_found"))
            reply = await contact.ask("oi")
            assert (reply["outcome"], reply["reason"]) == ("transferred", "assistant_failed:model_not_found")
            assert [part["kind"] for part in reply["parts"]] == ["text"]
