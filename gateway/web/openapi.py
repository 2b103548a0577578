"""The HTTP API described for machines: OpenAPI 3.1, written as data. docs/api.md is the same for people."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, get_args

from gateway.givenup import KINDS
from gateway.live import HELD, IDLE, RECORDING, THINKING, WAITING
from gateway.rules.custody import State
from gateway.rules.precedence import Decision
from gateway.transcript import RANK
from gateway.web.conversations import PAGE
from gateway.web.dead import PAGE as DEAD_AT_MOST
from gateway.web.inbox import ID, MOST, NAME, STATES, USUAL
from gateway.web.messages import LONGEST_WAIT
from gateway.web.problems import TITLES
from gateway.web.reading import TEXT_LIMIT
from storage.model import Outcome

Json = dict[str, Any]
"""A piece of the document."""
RUNGS = [rung.__name__ for rung in get_args(Decision)]
"""As a timeline's `decide` names them."""


def description() -> Json:
    """The whole document; a new one on each call."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "recado",
            "version": version("recado"),
            "summary": "Messages of customers in, answers by an assistant out, as text and voice notes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {path: dict(operations) for path, operations in _paths().items()},
        "components": {
            "schemas": _schemas(),
            "responses": {f"Problem{status}": _problem(status) for status in TITLES},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "server.admin_key opens everything, a channel's key its own conversations, the "
                    "secret of an inbox ([queues.handoff.desk]) those of its queues.",
                },
                "visitor": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "recado_{channel}",
                    "description": "Set by POST /chat/{channel}/visit; opens the visitor's own conversation. "
                    "The cookie of channel `site` is called `recado_site`.",
                },
            },
        },
    }


# -- words of the description ----------------------------------------------------------------------

ANYBODY: list[Json] = []
KEY: list[Json] = [{"key": []}]
KEY_OR_VISITOR: list[Json] = [{"key": []}, {"visitor": []}]


def _operation(
    summary: str,
    answers: Mapping[int, Json],
    *problems: int,
    security: list[Json],
    parameters: tuple[Json, ...] = (),
    body: Json | None = None,
    text: str = "",
) -> Json:
    """`problems`: statuses answered with a problem document; 500 is always one of them."""
    operation: Json = {"summary": summary, "security": security, "responses": {}}
    if text:
        operation["description"] = text
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = body
    operation["responses"] = {str(status): answer for status, answer in answers.items()}
    for status in (*problems, 500):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return operation


def _problem(status: int) -> Json:
    answer = {
        "description": TITLES[status],
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }
    if status == 503:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return answer


def _json(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _raw(text: str, *mimes: str) -> Json:
    return {"description": text, "content": {mime: {"schema": {"type": "string"}} for mime in mimes}}


def _path(name: str, text: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _query(name: str, text: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, properties: Mapping[str, Json], text: str = "") -> Json:
    """`required`: names with a space between them."""
    schema: Json = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = required.split()
    if text:
        schema["description"] = text
    return schema


def _text(text: str = "", **more: Any) -> Json:
    return {"type": "string", **({"description": text} if text else {}), **more}


def _number(text: str = "", **more: Any) -> Json:
    return {"type": "integer", **({"description": text} if text else {}), **more}


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


def _or_null(schema: Json) -> Json:
    return {"oneOf": [schema, {"type": "null"}]}


CHANNEL = _path("channel", "The channel's name in the configuration.")
CONVERSATION = _path("id", "The conversation, as a message's answer named it.")
AFTER = _query("after", "A cursor from an earlier answer, e.g. 3-2; from the beginning without it.", _text())
LIMIT = _query("limit", "How many at most.", _number(minimum=1, maximum=PAGE, default=PAGE))


# -- the doors ---------------------------------------------------------------------------------------


def _paths() -> Mapping[str, Mapping[str, Json]]:
    return {
        "/v1/channels/{channel}/messages": {"post": _post_message()},
        "/v1/conversations/{id}": {"get": _conversation()},
        "/v1/conversations/{id}/messages": {"get": _messages(), "post": _write()},
        "/v1/conversations/{id}/events": {"get": _events()},
        "/v1/conversations/{id}/turns": {"get": _turns()},
        "/v1/conversations/{id}/hold": {"post": _hold()},
        "/v1/conversations/{id}/transfer": {"post": _transfer()},
        "/v1/conversations/{id}/release": {"post": _release()},
        "/v1/conversations/{id}/take": {"post": _take()},
        "/v1/conversations/{id}/resolve": {"post": _resolve()},
        "/v1/inbox": {"get": _inbox()},
        "/v1/inbox/events": {"get": _inbox_events()},
        "/v1/dead": {"get": _dead()},
        "/v1/dead/{conversation}/{kind}/{seq}/repost": {"post": _repost()},
        "/v1/media/{id}": {"get": _media()},
        "/hooks/{type}": {"get": _challenge(), "post": _hook(SHARED, TYPE)},
        "/hooks/{type}/{channel}": {"post": _hook(OF_A_CHANNEL, TYPE, CHANNEL)},
        "/hooks/{type}/{channel}/{tail}": {"post": _hook(OF_AN_EVENT, TYPE, CHANNEL, TAIL)},
        "/desks/{queue}": {"post": _desk_hook()},
        "/inbox": {"get": _inbox_page()},
        "/chat/{channel}": {"get": _page()},
        "/chat/{channel}/visit": {"post": _visit()},
        "/chat-assets/{path}": {"get": _asset()},
        "/healthz": {"get": _healthz()},
        "/readyz": {"get": _readyz()},
        "/metrics": {"get": _metrics()},
        "/openapi.json": {"get": _openapi()},
    }


def _post_message() -> Json:
    wait = _query(
        "wait",
        "Seconds to wait for the reply in this call.",
        {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
    )
    form = {"schema": _ref("MessageForm"), "encoding": {"contact": {"contentType": "application/json"}}}
    content = {"application/json": {"schema": _ref("MessageIn")}, "multipart/form-data": form}
    return _operation(
        "Hand in one message of a contact",
        {
            200: _json("The reply of the turn that covers the message; only with `wait`.", _ref("Reply")),
            202: _json("The message is on disk; its reply comes later.", _ref("Accepted")),
        },
        *(401, 404, 408, 409, 413, 415, 422, 503),
        security=KEY_OR_VISITOR,
        parameters=(CHANNEL, wait),
        body={"required": True, "content": content},
        text="The same `id` with the same content is a duplicate and changes nothing: the call is safe to repeat.",
    )


def _conversation() -> Json:
    return _operation(
        "Where a conversation stands",
        {200: _json("The conversation.", _ref("Conversation"))},
        *(401, 404, 503),
        security=KEY_OR_VISITOR,
        parameters=(CONVERSATION,),
    )


def _messages() -> Json:
    page = _object("messages cursor", {"messages": _list(_ref("Message")), "cursor": _ref("Cursor")})
    return _operation(
        "The transcript, oldest first",
        {200: _json("Messages after the cursor, and the cursor to go on from.", page)},
        *(401, 404, 422, 503),
        security=KEY_OR_VISITOR,
        parameters=(CONVERSATION, AFTER, LIMIT),
    )


def _events() -> Json:
    resume = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The cursor of the last message seen; browsers send it by themselves.",
        "schema": _text(),
    }
    stream = _raw("Server-Sent Events, for as long as the connection lasts.", "text/event-stream")
    stream["content"]["text/event-stream"]["x-events"] = {
        "message": _ref("Message"),
        "heard": _ref("Heard"),
        "state": _ref("State"),
    }
    return _operation(
        "The conversation, live",
        {200: stream},
        *(401, 404, 422, 503),
        security=KEY_OR_VISITOR,
        parameters=(CONVERSATION, AFTER, resume),
        text="`event: message` has the message's cursor as its id; `heard` and `state` have none. A comment line every "
        "fifteen seconds keeps proxies from closing a quiet stream.",
    )


def _turns() -> Json:
    after = _query("after", "The epoch to go on from.", _number(minimum=0, default=0))
    newest = "The turns of so many of the latest messages, instead of those after an epoch."
    latest = _query("latest", newest, _number(minimum=1, maximum=PAGE))
    answer = _object("turns after", {"turns": _list(_ref("Turn")), "after": _or_null(_number())})
    return _operation(
        "Every turn: which rung decided, why, and its timeline",
        {200: _json("Turns in order; `after` is the epoch of the last one.", answer)},
        *(401, 403, 404, 422, 503),
        security=KEY,
        parameters=(CONVERSATION, after, LIMIT, latest),
    )


def _hold() -> Json:
    wish = _object(
        "",
        {
            "queue": _text("Whose people take over; the queue's handoff.to without it.", minLength=1, maxLength=200),
            "reason": _text("Kept with the hold.", minLength=1, maxLength=200, default="api"),
        },
    )
    return _operation(
        "People take over; the assistant is silent",
        {200: _json("`changed` is false when people had it already.", _ref("Held"))},
        *(401, 403, 404, 413, 422, 503),
        security=KEY,
        parameters=(CONVERSATION,),
        body={"content": {"application/json": {"schema": wish}}},
    )


def _transfer() -> Json:
    wish = {"reason": _text("Shown beside the hold; `api` without it.", minLength=1, maxLength=200)}
    wish |= {"queue": _text("The people's queue; the queue's own without it.", minLength=1, maxLength=200)}
    wish |= {"id": _text("Yours; makes the call safe to repeat.", minLength=1, maxLength=200)}
    return _operation(
        "People are called, and the contact is told",
        {200: _json("`changed` is false when people had it already: then nothing is said.", _ref("Held"))},
        *(401, 403, 404, 413, 422, 503),
        security=KEY,
        parameters=(CONVERSATION,),
        body={"content": {"application/json": {"schema": _object("", wish)}}},
    )


def _release() -> Json:
    wish = _object("", {"person": _text("Who lets go; `api` without it.", minLength=1, maxLength=200)})
    return _operation(
        "The assistant answers again",
        {200: _json("`changed` is false when nobody held it.", _ref("Held"))},
        *(401, 403, 404, 413, 422, 503),
        security=KEY,
        parameters=(CONVERSATION,),
        body={"content": {"application/json": {"schema": wish}}},
    )


WHO = {"person": _text("Who you are, as colleagues know you.", minLength=1, maxLength=NAME)}
AGAIN = {"id": _text("Yours; makes the call safe to repeat.", pattern=f"^{ID.pattern}$")}
OF_AN_INBOX = "For the inbox's key or the admin key."


def _take() -> Json:
    wish = {**WHO, "instead_of": _text("Of whom it may be taken.", maxLength=NAME), **AGAIN}
    return _operation(
        "A person takes a conversation",
        {200: _json("It is theirs.", _ref("Stands"))},
        *(401, 403, 404, 408, 409, 413, 422, 503),
        security=KEY,
        parameters=(CONVERSATION,),
        body={"required": True, "content": {"application/json": {"schema": _object("person", wish)}}},
        text=f"{OF_AN_INBOX} 409 names who has it already.",
    )


def _write() -> Json:
    wish = {
        **AGAIN,
        **WHO,
        "text": _text(minLength=1, maxLength=TEXT_LIMIT),
        "speak": {"type": "boolean", "description": "As a voice note in the queue's voice.", "default": False},
        "spell": _number("Of the custody that was seen: 409 when the conversation was given back since.", minimum=0),
    }
    return _operation(
        "A person answers the contact; whoever writes has the conversation",
        {202: _json("It lies in the outbox, in order.", _ref("Written"))},
        *(401, 403, 404, 408, 409, 413, 422, 503),
        security=KEY,
        parameters=(CONVERSATION,),
        body={"required": True, "content": {"application/json": {"schema": _object("id person text", wish)}}},
        text=f"{OF_AN_INBOX} The same `id` twice is sent once. 409: somebody else has it (`field` is `person`), or it "
        "was given back since it was seen (`spell`).",
    )


def _resolve() -> Json:
    return _operation(
        "A person is done",
        {200: _json("Whether the assistant may answer again the queue's `handoff.resume` says.", _ref("Stands"))},
        *(401, 403, 404, 408, 413, 422, 503),
        security=KEY,
        parameters=(CONVERSATION,),
        body={"required": True, "content": {"application/json": {"schema": _object("person", {**WHO, **AGAIN})}}},
        text=OF_AN_INBOX,
    )


def _inbox() -> Json:
    limit = _number(minimum=1, maximum=MOST, default=USUAL)
    answer = _object("conversations after", {"conversations": _list(_ref("Glance")), "after": _or_null(_text())})
    return _operation(
        "The conversations that people have or are called to",
        {200: _json("Since longest first; `after` leads to more, and is null at the end.", answer)},
        *(401, 403, 422, 503),
        security=KEY,
        parameters=(
            _query("state", "`waiting`: nobody took it yet.", _text(enum=list(STATES), default="all")),
            _query("after", "As an earlier answer gave it.", _text()),
            _query("limit", "How many at most.", limit),
        ),
        text=OF_AN_INBOX,
    )


def _inbox_events() -> Json:
    stream = _raw("Server-Sent Events, for as long as the connection lasts.", "text/event-stream")
    stream["content"]["text/event-stream"]["x-events"] = {"changed": _ref("Changed")}
    return _operation(
        "What changes in the inbox, live",
        {200: stream},
        *(401, 403, 503),
        security=KEY,
        text=f"{OF_AN_INBOX} `event: changed` says that a conversation should be looked at again, and a comment line "
        "every fifteen seconds that the stream is alive.",
    )


def _inbox_page() -> Json:
    return _operation(
        "The inbox's page",
        {200: _raw("The page; it asks for the key.", "text/html"), 304: {"description": "It has not changed."}},
        security=ANYBODY,
    )


def _dead() -> Json:
    limit = _number(minimum=1, maximum=DEAD_AT_MOST, default=DEAD_AT_MOST)
    answer = _object("dead after", {"dead": _list(_ref("DeadLetter")), "after": _or_null(_text())})
    return _operation(
        "What was given up",
        {200: _json("Newest first; `after` leads to more, and is null at the end.", answer)},
        *(401, 403, 422, 503),
        security=KEY,
        parameters=(
            _query("after", "As an earlier answer gave it.", _text()),
            _query("limit", "How many at most.", limit),
        ),
        text="For the admin key.",
    )


def _repost() -> Json:
    wish = {"force": {"type": "boolean", "description": "Also what may have been sent.", "default": False}}
    answer = _object("conversation kind seq", {"conversation": _text(), "kind": _text(), "seq": _number()})
    return _operation(
        "What was given up is posted again, at the end of its lane",
        {200: _json("Where it stands now. The dead letter is gone.", answer)},
        *(401, 403, 404, 408, 409, 413, 422, 503),
        security=KEY,
        parameters=(
            _path("conversation", "As `GET /v1/dead` says it, and so are the others."),
            {**_path("kind", "Which lane."), "schema": _text(enum=sorted(KINDS))},
            {**_path("seq", "Its number there."), "schema": _number(minimum=0)},
        ),
        body={"content": {"application/json": {"schema": _object("", wish)}}},
        text="For the admin key. 409: it may have been sent, and might come twice; `force` posts it all the same.",
    )


def _media() -> Json:
    kinds = ("audio/ogg", "audio/mpeg", "audio/webm", "audio/mp4", "audio/wav", "*/*")
    answers = {
        200: _raw("The bytes.", *kinds),
        206: _raw("The range that was asked for.", *kinds),
        304: {"description": "It has not changed; media never do."},
        416: {"description": "The range lies outside the file."},
    }
    return _operation(
        "The bytes of a voice note, picture or file",
        answers,
        *(401, 404, 422, 503),
        security=KEY_OR_VISITOR,
        parameters=(
            _path("id", "The media id of a voice part or an attachment."),
            _query("as", "`mp3` for players without Ogg Opus.", _text(enum=["mp3"])),
            _query("conversation", "With an inbox's key: where it was said.", _text()),
        ),
    )


TYPE = _path("type", "The channel's type in the configuration, e.g. `whatsapp_cloud`.")
TAIL = _path("tail", "What the provider calls the event; the body says it too.")
SHARED = "A provider posts what happened, for all channels of a type (WhatsApp)"
OF_A_CHANNEL = "A provider posts what happened, for one channel (Evolution, Telegram)"
OF_AN_EVENT = "The same, to an address of its own for each kind of event (Evolution)"


def _challenge() -> Json:
    return _operation(
        "A provider asks whether this address is meant to be its hook",
        {200: _raw("What came as `hub.challenge`.", "text/plain")},
        *(403, 404),
        security=ANYBODY,
        parameters=(
            TYPE,
            _query("hub.mode", "`subscribe`.", _text()),
            _query("hub.verify_token", "The channel's verify_token.", _text()),
            _query("hub.challenge", "Comes back as the body.", _text()),
        ),
    )


def _hook(summary: str, *parameters: Json) -> Json:
    """Proven by what the provider puts into headers; the bodies are the provider's."""
    return _operation(
        summary,
        {200: _json("All of it is on disk; an empty object.", _object("", {}))},
        *(400, 401, 404, 408, 413, 503),
        security=ANYBODY,
        parameters=parameters,
        body={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        text="Open to whoever proves to be the provider: X-Hub-Signature-256 (WhatsApp), X-Webhook-Secret or a signed "
        "token (Evolution), X-Telegram-Bot-Api-Secret-Token (Telegram). Other answers than 200 bring it again.",
    )


def _desk_hook() -> Json:
    """Proven by what the desk puts into headers; the bodies are the desk's."""
    return _operation(
        "A desk tells what people did there",
        {200: {"description": "All of it is on disk; what the desk asked for comes back.", "content": _DESK_ANSWERS}},
        *(401, 404, 408, 413, 503),
        security=ANYBODY,
        parameters=(_path("queue", "The queue whose people answer at that desk."),),
        body={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        text="Open to whoever proves to be the desk, by its signature. Other answers than 200 bring it again.",
    )


_DESK_ANSWERS: Json = {
    "application/json": {"schema": {"type": "object", "properties": {}}},
    "text/plain": {"schema": {"type": "string"}},
}


def _page() -> Json:
    return _operation(
        "The chat page of a `webchat` channel",
        {200: _raw("The page.", "text/html"), 304: {"description": "It has not changed."}},
        404,
        security=ANYBODY,
        parameters=(CHANNEL,),
    )


def _visit() -> Json:
    return _operation(
        "Begin a visit, or resume this browser's",
        {200: _json("The visitor's conversation; the visitor's cookie is set.", _ref("Visit"))},
        *(403, 404),
        security=ANYBODY,
        parameters=(CHANNEL,),
    )


def _asset() -> Json:
    kinds = ("text/javascript", "text/css", "image/svg+xml", "text/html")
    return _operation(
        "What the page is made of",
        {200: _raw("The file.", *kinds), 304: {"description": "It has not changed."}},
        404,
        security=ANYBODY,
        parameters=(_path("path", "May contain slashes."),),
    )


def _healthz() -> Json:
    alive = _object("status", {"status": {"const": "ok"}})
    return _operation("The process lives", {200: _json("It does.", alive)}, security=ANYBODY)


def _readyz() -> Json:
    ready = _object("status degraded", {"status": {"const": "ok"}, "degraded": _list(_text())})
    gone = _object("status detail", {"status": {"const": "unavailable"}, "detail": _text()})
    return _operation(
        "It can take messages",
        {
            200: _json("It can; `degraded` names what works less well than configured.", ready),
            503: _json("It cannot.", gone),
        },
        security=ANYBODY,
    )


def _metrics() -> Json:
    return _operation(
        "Prometheus metrics",
        {200: _raw("See docs/metrics.md.", "text/plain")},
        *(401, 503),
        security=[{}, {"key": []}],
        text="Needs the admin key when one is configured and the caller is not on this machine.",
    )


def _openapi() -> Json:
    document = {"type": "object"}
    return _operation("This document", {200: _json("OpenAPI 3.1.", document)}, security=ANYBODY)


# -- the nouns ---------------------------------------------------------------------------------------


def _schemas() -> Mapping[str, Json]:
    return {
        "MessageIn": _object("id", _fields_in(), "Needs a text with at least one visible character."),
        "MessageForm": _object(
            "id",
            {**_fields_in(), "audio": {"contentMediaType": "application/octet-stream"}},
            "The same as a form. `audio` is a voice note in any common format, at most 16 MB; with it the text may "
            "be empty.",
        ),
        "Contact": _object(
            "id",
            {"id": _text("Your id of the contact.", minLength=1, maxLength=256), "name": _text(maxLength=200)},
        ),
        "Accepted": _object(
            "conversation message duplicate",
            {
                "conversation": _text(),
                "message": _number("Its number in the conversation."),
                "duplicate": {"type": "boolean", "description": "The same message was here before."},
            },
        ),
        "Reply": _object("conversation turn outcome reason language parts citations", _fields_of_reply()),
        "Part": {"oneOf": [_ref("VoicePart"), _ref("TextPart")]},
        "VoicePart": _object(
            "kind media transcript",
            {
                "kind": {"const": "voice"},
                "media": _ref("Media"),
                "transcript": _or_null(_text("null while a contact's voice note has not been heard.")),
                "text": _text("What the contact wrote beside the voice note."),
            },
        ),
        "TextPart": _object(
            "kind text",
            {
                "kind": {"const": "text"},
                "text": _text(),
                "choices": {
                    **_list({"type": "string"}),
                    "description": "Titles of the buttons under it, where the channel has buttons.",
                },
                "attachments": {**_list(_ref("Attachment")), "description": "Of a contact's message that holds some."},
            },
        ),
        "Attachment": _object("kind name media", _fields_of_attachment()),
        "Media": _object(
            "id url mime seconds bytes waveform",
            {
                "id": _text(),
                "url": _text("Absolute when server.public_url is set, else a path on this server."),
                "mime": _text(),
                "seconds": _or_null({"type": "number"}),
                "bytes": _number(),
                "waveform": _list(_number("Loudness.", minimum=0, maximum=100)),
            },
        ),
        "Citation": _object(
            "document paragraph text", {"document": _text(), "paragraph": _number("From 1."), "text": _text()}
        ),
        "Message": _object("cursor from id at part", _fields_of_message()),
        "Heard": _object(
            "cursor transcript", {"cursor": _ref("Cursor"), "transcript": _text()}, "A voice note became words."
        ),
        "State": _object("state", {"state": _text(enum=[IDLE, WAITING, THINKING, RECORDING, HELD])}),
        "Cursor": _text("A place in a transcript.", pattern=r"^\d{1,18}-\d{1,18}$", examples=["3-2"]),
        "Conversation": _object(
            "id channel queue held",
            {
                "id": _text(),
                "channel": _text(),
                "queue": _text(),
                "held": _or_null(
                    _object(
                        "queue reason at",
                        {"queue": _text(), "reason": _text(), "at": _time(), "until": _time()},
                    )
                ),
                "contact": _contact(),
                "custody": _ref("Custody"),
                "course": _list(_ref("Passing")),
                "desk": _list(_ref("Told")),
                "summary": _text("What it is about, in the queue's language."),
                "voice": {"type": "boolean", "description": "What a person types can be heard."},
                "cursor": {**_ref("Cursor"), "description": "The transcript's end."},
            },
            "With a visitor's cookie nothing behind `held`.",
        ),
        "Passing": _object(
            "at state to person reason why",
            {
                "at": _time(),
                "state": _text(enum=list(get_args(State))),
                "to": _text("The people's queue."),
                "person": _text("Who took it; empty: nobody by name."),
                "reason": _text("Why people got it, or why they let go: docs/reasons.md."),
                "why": _text("The same as a sentence, in the queue's language."),
            },
            "One passing from hand to hand; the latest 20 are kept, oldest first.",
        ),
        "Told": _object(
            "what state at",
            {
                "what": _text("`case:…`, `news:…`, `said:…` or `over:…`."),
                "state": _text(enum=["sent", "waiting", "failed"]),
                "at": _time(),
                "detail": _text("The desk's code for what went wrong."),
            },
            "What a desk outside was told.",
        ),
        "Custody": _object(
            "state person to reason why spell",
            {
                "state": _text("`requested`: people are called.", enum=list(get_args(State))),
                "person": _text("Who took it; empty: nobody, or nobody knows."),
                "to": _text("The queue whose people have it."),
                "reason": _text("See docs/reasons.md."),
                "why": _text("The same as a sentence, in the queue's language; empty when people do not have it."),
                "spell": _number("How often people got it."),
                "since": _time(),
                "until": _time(),
            },
            "Who has a conversation. From `until` on the assistant may answer again.",
        ),
        "Glance": _object(
            "id channel queue contact custody last",
            {
                "id": _text(),
                "channel": _text(),
                "queue": _text(),
                "contact": _contact(),
                "custody": _ref("Custody"),
                "last": _or_null(_object("from at text", {"from": _from(), "at": _time(), "text": _text()})),
            },
        ),
        "DeadLetter": _object(
            "id conversation kind seq reason at words",
            {
                "id": _text("`CONVERSATION:KIND:SEQ`, as `recado repost` takes it."),
                "conversation": _text(),
                "kind": _text("in: a message; out: a part of a reply; desk: news for people.", enum=sorted(KINDS)),
                "seq": _number(),
                "reason": _text("docs/reasons.md says what it means."),
                "at": _time(),
                "words": _text("What it was, as far as it has words."),
            },
        ),
        "Stands": _object(
            "conversation held custody",
            {"conversation": _text(), "held": {"type": "boolean"}, "custody": _ref("Custody")},
        ),
        "Written": _object(
            "conversation id duplicate parts spoken",
            {
                "conversation": _text(),
                "id": _text(),
                "duplicate": {"type": "boolean", "description": "It was here before."},
                "parts": _list(_ref("Part")),
                "spoken": {"type": "boolean"},
                "why": _text("Why it is written and not heard, in the queue's language."),
            },
        ),
        "Changed": _object("conversation", {"conversation": _text("Empty: any of them.")}),
        "Held": _object(
            "conversation held changed",
            {
                "conversation": _text(),
                "held": {"type": "boolean"},
                "changed": {"type": "boolean"},
                "custody": _ref("Custody"),
            },
        ),
        "Turn": _object(
            "turn epoch covers started_at ended_at outcome reason rung why timeline reply deliveries",
            {
                "turn": _text(),
                "epoch": _number(),
                "covers": _object("after upto", {"after": _number(), "upto": _number()}, "Numbers of messages."),
                "started_at": _time(),
                "ended_at": _time(),
                "outcome": _outcome(),
                "reason": _text("See docs/reasons.md."),
                "rung": _text("The rung of the ladder that decided.", enum=["", *RUNGS]),
                "why": _text("What decided, as a sentence in the queue's language."),
                "timeline": _list(_ref("Step")),
                "reply": _or_null(_ref("Reply")),
                "deliveries": _list(_ref("Delivery")),
            },
        ),
        "Delivery": _object(
            "part state at",
            {
                "part": _text("Its place in the reply, from 0."),
                "state": _state(),
                "at": _time(),
                "detail": _text("See docs/reasons.md."),
            },
            "What became known about one part of the reply, in the order it became known.",
        ),
        "Step": _object(
            "step at",
            {
                "step": _text(),
                "at": _number("Milliseconds since the Unix epoch."),
                "ms": {"type": "number"},
                "reason": _text(),
            },
            "One line of a turn's timeline; more facts may stand beside these.",
        ),
        "Visit": _object(
            "conversation channel title language hearing voice limits suggestions",
            {
                "conversation": _text(),
                "channel": _text(),
                "title": _text(),
                "language": _text("BCP 47."),
                "hearing": {"type": "boolean", "description": "Voice notes can be heard."},
                "voice": {"type": "boolean", "description": "Answers may be spoken."},
                "limits": _object(
                    "text_characters audio_bytes", {"text_characters": _number(), "audio_bytes": _number()}
                ),
                "suggestions": _list(_text("A question to begin with.")),
            },
        ),
        "Problem": _object(
            "type title status detail",
            {
                "type": _text(),
                "title": _text(),
                "status": _number(),
                "detail": _text("What is wrong and what would be right."),
                "field": _text("Which field is wrong."),
            },
            "RFC 9457.",
        ),
    }


def _contact() -> Json:
    return _object("id name", {"id": _text("The channel's own."), "name": _text("May be empty.")})


def _from() -> Json:
    return _text("`person`: somebody of the business.", enum=["contact", "person", "assistant"])


def _fields_in() -> Json:
    moment = "When the contact wrote it: RFC 3339, or milliseconds since the Unix epoch."
    return {
        "id": _text("Yours; makes the call safe to repeat.", minLength=1, maxLength=256),
        "contact": {**_ref("Contact"), "description": "Required with a key; a visitor leaves it out."},
        "text": _text(maxLength=TEXT_LIMIT),
        "at": {"oneOf": [_text(), _number()], "description": moment},
    }


def _fields_of_message() -> Json:
    return {
        "cursor": _ref("Cursor"),
        "from": _from(),
        "by": _text("Of a person who answered at a desk: their name."),
        "id": _text("The provider's, or ours of what we sent."),
        "at": _time(),
        "part": _ref("Part"),
        "meaning": _text("A contact's, when it is no message of its own.", enum=["edit", "revoke", "reaction"]),
        "of": _text("The id of the message that is edited, taken back or reacted to."),
        "reply_to": _text("The id of the message this one answers."),
        "aside": _text("Why nobody answers it.", enum=["late", "group", "ignored_contact"]),
        "unreadable": _text("What it is, when nobody here can read it: `sticker`, `poll` …"),
        "turn": _text("The assistant's messages only."),
        "citations": _list(_ref("Citation")),
        "state": _state(),
        "withdrawn": {"const": True, "description": "Not sent as it stands here: see `state`."},
    }


def _fields_of_attachment() -> Json:
    return {
        "kind": _text(enum=["voice", "audio", "image", "video", "document", "sticker"]),
        "name": _text("Of the file, or empty."),
        "media": _or_null(_ref("Media")),
        "problem": _text("Why there is no media; without it, it may still come. See docs/reasons.md."),
        "transcript": _or_null(_text("Of a voice note or sound; null while it has not been heard.")),
    }


def _state() -> Json:
    return _text("How far it got; see docs/reasons.md.", enum=list(RANK))


def _fields_of_reply() -> Json:
    return {
        "conversation": _text(),
        "turn": _text(),
        "outcome": _outcome(),
        "reason": _text("See docs/reasons.md."),
        "language": _text("BCP 47."),
        "parts": _list(_ref("Part")),
        "citations": _list(_ref("Citation")),
    }


def _outcome() -> Json:
    return _text(enum=[str(outcome) for outcome in Outcome])


def _time() -> Json:
    return _text(format="date-time")
