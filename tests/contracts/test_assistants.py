"""What every Assistant promises. A new one adds itself to `MAKERS`."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from gateway.assistants.base import Ask, Assistant, AssistantError, Finished, Passage, Picture, Text, Utterance
from gateway.assistants.chat import OpenAIChat
from gateway.assistants.responses import OpenAIResponses
from gateway.assistants.retrying import Retrying
from tests.fakes import openai as wire
from tests.fakes.openai import KEY, FakeOpenAI, Reply

Maker = Callable[[str], Assistant]


def responses(base_url: str, *, key: str = KEY, timeout_s: float = 30) -> Assistant:
    return OpenAIResponses(key, "gpt-6-luna", base_url=base_url, timeout_s=timeout_s)


def chat(base_url: str, *, key: str = KEY, timeout_s: float = 30) -> Assistant:
    return OpenAIChat(key, "gemini-3-flash", base_url=base_url, timeout_s=timeout_s)


def retrying(base_url: str, *, key: str = KEY, timeout_s: float = 30) -> Assistant:
    async def no_sleep(_: float) -> None: ...

    return Retrying(responses(base_url, key=key, timeout_s=timeout_s), sleep=no_sleep)


MAKERS = [responses, chat, retrying]


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as fake:
        yield fake


@pytest.fixture(params=MAKERS, ids=lambda m: m.__name__)
async def assistant(request: pytest.FixtureRequest, fake: FakeOpenAI) -> AsyncIterator[Assistant]:
    assistant = request.param(fake.base_url)
    yield assistant
    await assistant.close()


def ask(question: str = "Quanto custa?", **more: object) -> Ask:
    plain = {"conversation": "c_42", "instructions": "You are Ana.", "language": "pt-BR", "history": ()}
    return Ask(question=question, **{**plain, **more})


async def said(assistant: Assistant, asked: Ask) -> tuple[str, Finished]:
    events = [event async for event in assistant.answer(asked)]
    *texts, last = events
    assert isinstance(last, Finished)
    assert all(isinstance(t, Text) and t.text for t in texts)
    return "".join(t.text for t in texts if isinstance(t, Text)), last


async def test_says_its_text_and_then_exactly_one_finished(assistant: Assistant, fake: FakeOpenAI) -> None:
    text, finished = await said(assistant, ask("Olá, quanto custa? 你好 🎧"))
    assert text == "Echo: Olá, quanto custa? 你好 🎧"
    assert not finished.truncated
    assert finished.model
    assert finished.input_tokens > 0
    assert finished.output_tokens > 0


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("chunk", [1, 7])
async def test_bytes_may_be_cut_anywhere(assistant: Assistant, fake: FakeOpenAI, chunk: int, newline: str) -> None:
    fake.play(wire.spoken("Ação às 8h 你好 🎧", chunk=chunk, newline=newline))
    assert (await said(assistant, ask()))[0] == "Ação às 8h 你好 🎧"


async def test_history_and_question_reach_the_model(assistant: Assistant, fake: FakeOpenAI) -> None:
    history = [Utterance("contact", "Oi"), Utterance("assistant", "Olá!"), Utterance("contact", "Tudo bem?")]
    await said(assistant, ask("Quanto custa?", history=[*history, Utterance("person", "Aqui é a Rita.")]))
    (call,) = fake.asked
    users = [w for role, w in call.said if role == "user"]
    assert [role for role, _ in call.said if role != "system"][-2:] == ["assistant", "user"]
    assert (users[0], call.question) == ("Oi", "Quanto custa?")
    assert "Aqui é a Rita." in [w for role, w in call.said if role == "assistant"]
    assert call.instructions.startswith("You are Ana.")


async def test_the_marker_is_explained_last(assistant: Assistant, fake: FakeOpenAI) -> None:
    await said(assistant, ask(marker="Ação: Transferir"))
    assert fake.asked[0].instructions.endswith("Ação: Transferir")


async def test_cited_passages_come_back_and_their_marks_do_not(assistant: Assistant, fake: FakeOpenAI) -> None:
    passages = [Passage("precos.md", 4, "Consulta: R$ 250"), Passage("faq.md", 1, "Aberto às 8h")]
    fake.play(wire.spoken("Abre às 8h 【2】. Só isso 【4:0†source】【7】.", pieces=40))
    text, finished = await said(assistant, ask(passages=passages))
    assert text == "Abre às 8h. Só isso."
    assert list(finished.citations) == [passages[1]]
    sent = fake.asked[0].said[-1][1]
    assert '<excerpt id="1" document="precos.md" paragraph="4">\nConsulta: R$ 250\n</excerpt>' in sent


async def test_text_that_only_looks_like_a_mark_is_kept(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.spoken("【营业时间】八点 【", pieces=40))
    assert (await said(assistant, ask()))[0] == "【营业时间】八点 【"


PHOTO = Picture("image", "image/png", b"\x89PNG\r\n\x1a\n photo", "photo.png")
LETTER = Picture("document", "application/pdf", b"%PDF-1.7 letter", "letter.pdf")
BOTH = {"pictures": (PHOTO, LETTER)}


async def test_what_it_sees_reaches_the_model_and_nothing_else_does(assistant: Assistant, fake: FakeOpenAI) -> None:
    assert (await said(assistant, ask("O que é isto?", **BOTH)))[0] == "Echo: O que é isto?"
    sent = json.dumps(fake.asked[0].json)
    for picture in (PHOTO, LETTER):
        assert (b64encode(picture.data).decode() in sent) == (picture.kind in assistant.sees)
    assert "no orders" in fake.asked[0].instructions.replace("\n", " ")
    assert "photo" not in repr(PHOTO).replace("photo.png", "")


async def test_a_picture_without_a_word_is_a_question_too(assistant: Assistant, fake: FakeOpenAI) -> None:
    await said(assistant, ask("", pictures=[PHOTO]))
    (call,) = fake.asked
    assert (call.question, len(call.pictures)) == ("", 1)
    assert '""' not in json.dumps(call.json)


REFUSED_PICTURES = [
    (wire.refused(400, None, param="messages.[1].content.[1].type"), False),
    (wire.refused(400, "invalid_image_format"), False),
    (wire.refused(400, "invalid_value", param="input"), False),
    (wire.refused(413), False),
    (wire.refused(422, "literal_error"), False),
    (wire.document({"error": {"code": 404, "message": "No endpoints found that support image input"}}, 404), False),
    (wire.document([{"error": {"code": 400, "message": "No", "status": "INVALID_ARGUMENT"}}], 400), False),
    (wire.document({"error": {"code": 500, "message": "No mmproj", "type": "server_error"}}, 500), True),
    (wire.refused(500, None, kind="internal_server_error"), True),
    (wire.ending({"error": {"code": 400, "message": "not multimodal"}}), False),
    (wire.in_band("image_parse_error"), False),
]
NOT_THE_PICTURES = [
    (wire.refused(401, "invalid_api_key"), "invalid_api_key"),
    (wire.quota(), "insufficient_quota"),
    (wire.refused(404, "model_not_found"), "model_not_found"),
    (wire.too_long(), "context_length_exceeded"),
    (wire.refused(400, "image_content_policy_violation"), "image_content_policy_violation"),
    (wire.refused(400, "invalid_prompt"), "invalid_prompt"),
    (wire.refused(429, "rate_limit_exceeded"), "rate_limit_exceeded"),
    (wire.refused(503, None), "http_503"),
    (wire.locked(), "conversation_locked"),
    (wire.cut(after=2), "stream_cut"),
]


@pytest.mark.parametrize("make", [responses, chat], ids=lambda m: m.__name__)
@pytest.mark.parametrize(("reply", "retryable"), REFUSED_PICTURES, ids=range(len(REFUSED_PICTURES)))
async def test_refused_pictures_are_told_apart(fake: FakeOpenAI, make: Maker, reply: Reply, retryable: bool) -> None:
    error = await _failure(fake, make, reply, ask(pictures=[PHOTO]))
    assert (error.reason, error.retryable) == ("pictures_refused", retryable)
    assert "assistant.model" in error.hint
    assert KEY not in error.hint


@pytest.mark.parametrize("make", [responses, chat], ids=lambda m: m.__name__)
@pytest.mark.parametrize(("reply", "reason"), NOT_THE_PICTURES, ids=[reason for _, reason in NOT_THE_PICTURES])
async def test_what_else_is_wrong_is_not_blamed_on_pictures(
    fake: FakeOpenAI, make: Maker, reply: Reply, reason: str
) -> None:
    assert (await _failure(fake, make, reply, ask(pictures=[PHOTO]))).reason == reason


async def test_pictures_that_were_not_shown_are_not_blamed(fake: FakeOpenAI) -> None:
    error = await _failure(fake, chat, wire.refused(400, "invalid_value"), ask(pictures=[LETTER]))
    assert error.reason == "invalid_value"


async def _failure(fake: FakeOpenAI, make: Maker, reply: Reply, asked: Ask) -> AssistantError:
    fake.play(reply, reply)  # a refusal that may be about tools is asked again without them
    assistant = make(fake.base_url)
    with pytest.raises(AssistantError) as caught:
        await said(assistant, asked)
    await assistant.close()
    return caught.value


async def test_the_output_limit_is_no_error(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.incomplete("max_output_tokens"))
    text, finished = await said(assistant, ask())
    assert (text, finished.truncated) == ("Half an ans", True)


ENDINGS = [
    (wire.refused(429, "rate_limit_exceeded", headers={"retry-after-ms": "1200"}), "rate_limit_exceeded", True),
    (wire.quota(), "insufficient_quota", False),
    (wire.refused(429, "credit_balance_exhausted"), "credit_balance_exhausted", False),
    (wire.refused(429, "slow_down", kind="rate_limit_error"), "slow_down", True),
    (wire.refused(500, None, kind="server_error"), "server_error", True),
    (wire.refused(503, "server_is_overloaded"), "server_is_overloaded", True),
    (wire.locked(), "conversation_locked", True),
    (wire.too_long(), "context_length_exceeded", False),
    (wire.refused(401, "invalid_api_key"), "invalid_api_key", False),
    (wire.refused(403, "unsupported_country_region_territory"), "unsupported_country_region_territory", False),
    (wire.refused(404, "model_not_found"), "model_not_found", False),
    (wire.refused(404), "http_404", False),
    (wire.refused(400, "missing_required_parameter", param="model"), "missing_required_parameter", False),
    (wire.html(200), "not_an_api", True),
    (wire.html(500), "http_500", True),
    (wire.html(404), "http_404", False),
    (
        wire.document([{"error": {"code": 400, "message": "No", "status": "INVALID_ARGUMENT"}}], 400),
        "invalid_argument",
        False,
    ),
    (wire.document([{"error": {"code": 503, "message": "No", "status": "UNAVAILABLE"}}], 503), "unavailable", True),
    (wire.document([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]), "resource_exhausted", True),
    (wire.document({"error": "model 'x' not found"}, 404), "http_404", False),
    (wire.document(["nothing"]), "stream_cut", True),
    (wire.in_band("server_error"), "server_error", True),
    (wire.in_band("rate_limit_exceeded", nested=True), "rate_limit_exceeded", True),
    (wire.ending({"error": {"code": 502, "message": "bad gateway"}}), "http_502", True),
    (wire.ending('{"type": "respon'), "stream_cut", True),
    (wire.ending('{"type": "error", "error": {"code": "invalid_prompt"}}'), "invalid_prompt", False),
    (wire.cut(after=2), "stream_cut", True),
    (wire.cut(after=0), "stream_cut", True),
    (wire.cut(after=2, reset=True), "unreachable", True),
    (wire.refusal(), "refusal", False),
    (wire.incomplete("content_filter"), "content_filter", False),
    (wire.incomplete("max_output_tokens", text=""), "max_output_tokens", False),
    (wire.spoken(""), "empty_answer", True),
]


@pytest.mark.parametrize("make", [responses, chat], ids=lambda m: m.__name__)
@pytest.mark.parametrize(("reply", "reason", "retryable"), ENDINGS, ids=[f"{n}-{e[1]}" for n, e in enumerate(ENDINGS)])
async def test_every_bad_end_is_an_assistant_error_without_the_key(
    fake: FakeOpenAI, make: Maker, reply: Reply, reason: str, retryable: bool
) -> None:
    fake.play(reply, reply)  # a refusal that may be about tools is asked again without them
    assistant = make(fake.base_url)
    with pytest.raises(AssistantError) as caught:
        await said(assistant, ask())
    await assistant.close()
    error = caught.value
    assert (error.reason, error.retryable) == (reason, retryable)
    assert error.hint
    assert KEY not in f"{error!r} {error} {error.hint} {error.__dict__}"
    offered = ["tools" in call.json for call in fake.asked]
    assert offered in ([True], [True, False]), "the SDK must not retry"


@pytest.mark.parametrize("make", [responses, chat], ids=lambda m: m.__name__)
@pytest.mark.parametrize("after", [0, 2])
async def test_a_provider_that_says_nothing_more_is_a_timeout(
    fake: FakeOpenAI, make: Callable[..., Assistant], after: int
) -> None:
    fake.play(wire.hang(after))
    assistant = make(fake.base_url, timeout_s=0.2)
    with pytest.raises(AssistantError) as caught:
        await said(assistant, ask())
    await assistant.close()
    assert (caught.value.reason, caught.value.retryable) == ("timeout", True)


@pytest.mark.parametrize("make", [responses, chat], ids=lambda m: m.__name__)
async def test_dripping_does_not_stretch_the_timeout(fake: FakeOpenAI, make: Callable[..., Assistant]) -> None:
    fake.play(wire.spoken("x" * 1000, pieces=1000, delay=0.05))
    assistant = make(fake.base_url, timeout_s=0.3)
    with pytest.raises(AssistantError, match="timeout"):
        await said(assistant, ask())
    await assistant.close()


async def test_nobody_there(assistant: Assistant) -> None:
    elsewhere = OpenAIResponses(KEY, "gpt-6-luna", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(AssistantError) as caught:
        await said(elsewhere, ask())
    await elsewhere.close()
    assert (caught.value.reason, caught.value.retryable) == ("unreachable", True)


async def test_cancelling_hangs_up(assistant: Assistant, fake: FakeOpenAI) -> None:
    fake.play(wire.hang(after=2))
    task = asyncio.create_task(said(assistant, ask()))
    await asyncio.wait_for(fake.arrived.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(fake.drop.wait(), 60)


@pytest.mark.parametrize("make", [responses, chat], ids=lambda m: m.__name__)
async def test_whoever_stops_listening_hangs_up(fake: FakeOpenAI, make: Maker) -> None:
    fake.play(wire.hang(after=2))
    assistant = make(fake.base_url)
    async with aclosing(assistant.answer(ask())) as events:  # type: ignore[type-var]
        assert isinstance(await anext(events), Text)
    await asyncio.wait_for(fake.drop.wait(), 60)
    await assistant.close()


async def test_many_conversations_at_once(assistant: Assistant, fake: FakeOpenAI) -> None:
    gate = asyncio.Event()
    fake.play(*[wire.spoken(gate=gate)] * 20)
    tasks = [asyncio.create_task(said(assistant, ask(f"pergunta {n}"))) for n in range(20)]
    await fake.crowded(20)
    gate.set()
    assert [(await t)[0] for t in tasks] == [f"Echo: pergunta {n}" for n in range(20)]


async def test_the_name_tells_the_model_and_no_key(assistant: Assistant) -> None:
    assert assistant.name.endswith(("/gpt-6-luna", "/gemini-3-flash"))
    assert KEY not in f"{assistant.name} {assistant!r} {vars(assistant)}"
