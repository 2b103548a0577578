"""A model hands over by calling a function: offered, read back from any pieces, refused where tools are unknown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from gateway.assistants.base import Ask, Assistant, AssistantError, Event, Finished, HandOver, Passage, Picture, Text
from gateway.assistants.chat import OpenAIChat
from gateway.assistants.responses import OpenAIResponses
from gateway.assistants.retrying import Retrying
from gateway.assistants.tools import LONGEST, NAME, Calls
from tests.fakes import openai as wire
from tests.fakes.openai import KEY, FakeOpenAI, Reply

ASK = Ask("c_42", "You are Ana.", "pt-BR", (), "Quero o dinheiro de volta", "Ação: Transferir")


def responses(url: str) -> Assistant:
    return OpenAIResponses(KEY, "gpt-6-luna", base_url=url)


def chat(url: str) -> Assistant:
    return OpenAIChat(KEY, "gemini-3-flash", base_url=url)


def retrying(url: str) -> Assistant:
    async def at_once(_: float) -> None: ...

    return Retrying(responses(url), sleep=at_once)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as fake:
        yield fake


@pytest.fixture(params=[responses, chat, retrying], ids=lambda make: make.__name__)
async def assistant(request: pytest.FixtureRequest, fake: FakeOpenAI) -> AsyncIterator[Assistant]:
    made: Callable[[str], Assistant] = request.param
    assistant = made(fake.base_url)
    yield assistant
    await assistant.close()


async def events(assistant: Assistant, ask: Ask = ASK) -> list[Event]:
    return [event async for event in assistant.answer(ask)]


async def test_the_function_is_offered_and_explained(assistant: Assistant, fake: FakeOpenAI) -> None:
    await events(assistant)
    (call,) = fake.asked
    (tool,) = call.json["tools"]
    function = tool["function"] if call.chat else tool
    assert (tool["type"], function["name"]) == ("function", NAME)
    assert list(function["parameters"]["properties"]) == function["parameters"]["required"] == ["reason"]
    assert NAME in call.instructions
    assert call.instructions.endswith("Ação: Transferir"), "the marker still works and is explained last"


@pytest.mark.parametrize("indexed", [True, False])
async def test_a_call_is_a_handover_right_before_the_end(assistant: Assistant, fake: FakeOpenAI, indexed: bool) -> None:
    fake.play(wire.calling((NAME, json.dumps({"reason": "Quer  o dinheiro\nde volta."})), indexed=indexed))
    handover, finished = await events(assistant)
    assert handover == HandOver("Quer o dinheiro de volta.")
    assert isinstance(finished, Finished)
    assert finished.ignored_calls == 0


async def test_text_may_come_before_the_call(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.calling((NAME, '{"reason": "x"}'), text="Um momento, vou "))
    *texts, handover, finished = await events(assistant)
    assert "".join(t.text for t in texts if isinstance(t, Text)) == "Um momento, vou "
    assert (handover, type(finished)) == (HandOver("x"), Finished)


ARGUMENTS = [
    ("", ""),
    ("{", ""),
    ('{"reason": "half of a sent', ""),
    ("null", ""),
    ("[]", ""),
    ('"reason"', ""),
    ("{}", ""),
    ('{"reason": null}', ""),
    ('{"reason": {"a": 1}}', ""),
    ('{"reason": "  "}', ""),
    ('{"why": "no such field"}', ""),
    ("[" * 100_000, ""),
    ('{"reason": "é 中 🎧", "more": 1}', "é 中 🎧"),
    (json.dumps({"reason": "a" * 299 + " bcd"}), "a" * 299),
    (json.dumps({"reason": "a" * 9000}), "a" * LONGEST),
]


@pytest.mark.parametrize(("arguments", "reason"), ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_arguments_are_read_with_patience(arguments: str, reason: str) -> None:
    calls = Calls()
    calls.add(0, NAME, arguments)
    assert calls.handover == HandOver(reason)


def test_pieces_of_several_calls_are_not_mixed() -> None:
    calls = Calls()
    calls.add(0, "look_up", "{")
    calls.add(1, NAME, '{"reason"')
    calls.add(0, "", "}")
    calls.add(1, None, ': "a"}')
    assert (calls.handover, calls.ignored) == (HandOver("a"), 1)


def test_servers_that_number_nothing_or_everything_alike() -> None:
    for key in (None, 0):
        calls = Calls()
        calls.add(key, "look_up", {"order": 7})
        calls.add(key, NAME, {"reason": "a"})
        assert (calls.handover, calls.ignored) == (HandOver("a"), 1)


def test_no_call_is_no_handover() -> None:
    calls = Calls()
    assert (bool(calls), calls.handover, calls.ignored) == (False, None, 0)
    calls.add(None, None, "{}")
    assert not calls


async def test_broken_arguments_are_a_handover_too(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.calling((NAME, '{"reason": "Quer o din'), truncated=True))
    handover, finished = await events(assistant)
    assert handover == HandOver("")
    assert isinstance(finished, Finished)
    assert finished.truncated


async def test_other_functions_are_ignored_and_counted(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.calling(("look_up", "{}"), ("delete_all", "{}"), text="Abrimos às 9."))
    *texts, finished = await events(assistant)
    assert "".join(t.text for t in texts if isinstance(t, Text)) == "Abrimos às 9."
    assert isinstance(finished, Finished)
    assert finished.ignored_calls == 2


@pytest.mark.parametrize("make", [responses, chat], ids=lambda make: make.__name__)
async def test_nothing_but_other_functions_is_an_empty_answer(
    fake: FakeOpenAI, make: Callable[[str], Assistant]
) -> None:
    fake.play(wire.calling(("look_up", "{}")))
    assistant = make(fake.base_url)
    with pytest.raises(AssistantError, match="empty_answer"):
        await events(assistant)
    await assistant.close()


async def test_ours_among_others(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.calling(("look_up", "{}"), (NAME, '{"reason": "a"}'), (NAME, '{"reason": "b"}')))
    handover, finished = await events(assistant)
    assert handover == HandOver("a")
    assert isinstance(finished, Finished)
    assert finished.ignored_calls == 1


async def test_a_server_that_does_not_stream_calls_too(fake: FakeOpenAI) -> None:
    call = {"type": "function", "function": {"name": NAME, "arguments": {"reason": "a"}}}
    message = {"content": None, "tool_calls": [call]}
    fake.play(wire.document({"choices": [{"message": message, "finish_reason": "tool_calls"}]}))
    assistant = chat(fake.base_url)
    assert (await events(assistant))[0] == HandOver("a")
    await assistant.close()


# -- servers without tools --------------------------------------------------------------------------

REFUSALS = [
    wire.refused(400),
    wire.refused(400, "unknown_parameter", param="tools"),
    wire.refused(400, "unsupported_parameter", param="tools[0].strict"),
    wire.refused(422, "literal_error"),
    wire.document({"error": {"message": "x does not support tools", "type": "api_error"}}, 400),
    wire.document({"error": {"message": "No endpoints found that support tool use", "code": 404}}, 404),
    wire.document([{"error": {"code": 400, "message": "No", "status": "INVALID_ARGUMENT"}}], 400),
    wire.html(404),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=range(len(REFUSALS)))
async def test_a_server_without_tools_is_asked_without_and_remembered(
    assistant: Assistant, fake: FakeOpenAI, refusal: Reply
) -> None:
    fake.play(refusal)
    for _ in range(2):
        *texts, finished = await events(assistant)
        assert "".join(t.text for t in texts if isinstance(t, Text)) == f"Echo: {ASK.question}"
        assert isinstance(finished, Finished)
    assert ["tools" in call.json for call in fake.asked] == [True, False, False]
    assert [NAME in call.instructions for call in fake.asked] == [True, False, False]


async def test_a_call_that_fails_without_tools_too_did_not_fail_for_them(
    assistant: Assistant, fake: FakeOpenAI
) -> None:
    fake.play(wire.refused(400), wire.refused(400))
    with pytest.raises(AssistantError, match="http_400"):
        await events(assistant)
    await events(assistant)
    assert ["tools" in call.json for call in fake.asked] == [True, False, True]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (wire.refused(401, "invalid_api_key"), "invalid_api_key"),
        (wire.refused(404, "model_not_found"), "model_not_found"),
        (wire.refused(400, "missing_required_parameter", param="model"), "missing_required_parameter"),
        (wire.quota(), "insufficient_quota"),
        (wire.too_long(), "context_length_exceeded"),
        (wire.refused(400, "invalid_prompt"), "invalid_prompt"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
@pytest.mark.parametrize("make", [responses, chat], ids=lambda make: make.__name__)
async def test_what_else_is_wrong_is_not_asked_again(
    fake: FakeOpenAI, make: Callable[[str], Assistant], reply: Reply, reason: str
) -> None:
    fake.play(reply)
    assistant = make(fake.base_url)
    with pytest.raises(AssistantError, match=reason):
        await events(assistant)
    await assistant.close()
    assert len(fake.asked) == 1


async def test_pictures_are_blamed_only_when_it_was_not_the_tools(assistant: Assistant, fake: FakeOpenAI) -> None:
    photo = Picture("image", "image/png", b"\x89PNG\r\n\x1a\n photo", "photo.png")
    fake.play(wire.refused(400), wire.refused(400))
    with pytest.raises(AssistantError, match="pictures_refused"):
        await events(assistant, replace(ASK, pictures=(photo,)))
    await events(assistant)
    assert ["tools" in call.json for call in fake.asked] == [True, False, True]


async def test_marks_of_citations_are_whole_before_the_call(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.calling((NAME, "{}"), text="Sim 【1】"))
    *texts, handover, _ = await events(assistant, replace(ASK, passages=[Passage("faq.md", 1, "Sim")]))
    assert "".join(t.text for t in texts if isinstance(t, Text)) == "Sim"
    assert isinstance(handover, HandOver)
