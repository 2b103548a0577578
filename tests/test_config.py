"""What the configuration says about its own mistakes: the key, the place, the nearest right word, the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from gateway import config
from gateway.config import Config, ConfigError, _one_slip, load, parse
from gateway.desks.settings import DeskSettings
from gateway.rules.flows.settings import FlowTrigger
from gateway.rules.hours import Hours, Weekly
from gateway.rules.rating import Rating
from gateway.rules.triggers import AutoReply
from gateway.rules.unasked import Closing, FollowUp

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config.example.toml"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODlhYmNkZWY="
SOUND = """\
[[queues]]
name = "loja"
[[channels]]
name = "site"
type = "http"
queue = "loja"
key = "open-sesame"
"""
ENVIRONMENT = {
    "RECADO_ADMIN_KEY": "admin-0123456789",
    "OPENAI_API_KEY": "sk-example",
    "ELEVENLABS_API_KEY": "el-example",
    "ELEVENLABS_VOICE": "voice-example",
    "RECADO_API_KEY": "key-0123456789",
    "RECADO_CALLBACK_SECRET": SECRET,
    "RECADO_ACTIONS_SECRET": SECRET,
    "WHATSAPP_PHONE_NUMBER_ID": "100000000000001",
    "WHATSAPP_TOKEN": "EAAexample",
    "WHATSAPP_APP_SECRET": "app-secret-example",
    "WHATSAPP_VERIFY_TOKEN": "verify-example",
    "EVOLUTION_API_KEY": "evo-example",
    "EVOLUTION_WEBHOOK_SECRET": "hook-example-0123456789",
    "TELEGRAM_TOKEN": "123456:example",
    "CHATWOOT_TOKEN": "cw-example",
    "CHATWOOT_BOT_SECRET": "cw-hook-example",
    "RECADO_OPENAI_KEY": "rk-0123456789",
}


def queue(*lines: str) -> str:
    """A sound configuration with more in its queue."""
    return SOUND.replace("[[channels]]", "\n".join([*lines, "[[channels]]"]))


def action(*lines: str, url: str = "https://a.example") -> str:
    return queue("[[queues.actions]]", "name = 'marcar'", f"url = '{url}'", *lines)


def channel(*lines: str) -> str:
    return SOUND + "\n".join(lines) + "\n"


def provider(type: str, *lines: str) -> str:
    """A sound configuration with one channel more, called `novo`; its own lines begin at 12."""
    return SOUND + another(type, *lines, name="novo")


def another(type: str, *lines: str, name: str = "outro") -> str:
    belongs = [] if type == "openai" else ['queue = "loja"']
    return "\n".join(["[[channels]]", f'name = "{name}"', *belongs, f'type = "{type}"', *lines]) + "\n"


WHATSAPP = [
    'phone_number_id = "100000000000001"',
    'access_token = "EAA1"',
    'app_secret = "app-1"',
    'verify_token = "words-of-ours"',
]
EVOLUTION = [
    'base_url = "https://evolution.example.com"',
    'instance = "loja"',
    'api_key = "evo-1"',
    'webhook_secret = "hook-0123456789ab"',
]
CHATWOOT = [
    'base_url = "https://chatwoot.example.com"',
    "account_id = 1",
    'token = "cw-1"',
    'webhook_secret = "cw-hook-0123456789"',
]
CHATWOOT_DESK = [
    "[queues.handoff.desk]",
    'type = "chatwoot"',
    'url = "https://chatwoot.example.com/"',
    "account_id = 1",
    'token = "cw-1"',
]
WHOLE = {
    "webchat": [],
    "http": ['key = "k-9"'],
    "whatsapp_cloud": WHATSAPP,
    "evolution": EVOLUTION,
    "telegram": ['token = "123:abc"'],
    "chatwoot": CHATWOOT,
    "openai": ['key = "k-9"'],
}
"""What each type needs, and no more."""


def problems(text: str, env: Mapping[str, str] | None = None, **flags: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="recado.toml", env=env or {}, flags=flags)
    return str(caught.value)


WRONG: dict[str, tuple[str, list[str]]] = {
    "a misspelt key": (
        queue("[queues.voice]", "stabilty = 0.4"),
        ["queues[0] (loja).voice.stabilty, line 4", "unknown key", "did you mean 'stability'"],
    ),
    "a misspelt key of a fallback": (
        queue("[[queues.voice.fallbacks]]", "sped = 1"),
        ["queues[0] (loja).voice.fallbacks[0].sped, line 4", "did you mean 'speed'"],
    ),
    "a key that is like no other": (
        queue("[queues.window]", "zzz = 1"),
        ["queues[0] (loja).window.zzz, line 4", "here stand: interval_ms, max_wait_ms, mode"],
    ),
    "a misspelt section": ("[[queue]]\nname = 'x'\n" + SOUND, ["queue", "unknown key", "did you mean 'queues'"]),
    "a wrong type": ("[server]\nport = 'ninety'\n" + SOUND, ["server.port, line 2", "integer"]),
    "out of range": ("[server]\nport = 70000\n" + SOUND, ["server.port, line 2", "65535"]),
    "a list where a text belongs": ("[server]\nhost = ['a']\n" + SOUND, ["server.host, line 2", "string"]),
    "not one of the words": (queue("[queues.window]", 'mode = "slow"'), ["window.mode, line 4", "'quiet' or 'fixed'"]),
    "a text where queues belong": ('queues = "loja"\n[[channels]]\nname="a"\n', ["queues, line 1"]),
    "no channel": ("[[queues]]\nname = 'loja'\n", ["channels", "is missing"]),
    "a queue without a name": ("[[queues]]\n" + SOUND, ["queues[0].name", "is missing"]),
    "a name no address can hold": (SOUND.replace('"loja"', '"a loja"'), ["queues[0] (a loja).name", "pattern"]),
    "a language with an underscore": (queue('language = "pt_BR"'), ["queues[0] (loja).language, line 3", "pattern"]),
    "two queues of one name": ("[[queues]]\nname = 'loja'\n" + SOUND, ["queues: two are named 'loja'", "unique"]),
    "two channels of one name": (
        channel("[[channels]]", "name = 'site'", "type = 'webchat'", "queue = 'loja'"),
        ["channels: two are named 'site'"],
    ),
    "a queue that does not exist": (
        SOUND.replace('queue = "loja"', 'queue = "lojas"'),
        ["channels.site.queue = 'lojas' is no queue", "did you mean 'loja'"],
    ),
    "an interval longer than the wait": (
        queue("[queues.window]", "interval_ms = 9000", "max_wait_ms = 100"),
        ["queues[0] (loja).window", "interval_ms (9000)", "max_wait_ms (100)", "at least 9000"],
    ),
    "an old assistant without its instructions": (
        queue("[queues.assistant]", 'assistant_id = "asst_abc"'),
        ["queues[0] (loja)", "assistant_id = 'asst_abc'", "2026-08-26", "404", "Paste", 'instructions = """'],
    ),
    "no model": (
        queue("[queues.assistant]", 'provider = "openai"', 'api_key = "sk-1"'),
        ["queues[0] (loja).assistant", "model is missing", "model = "],
    ),
    "no key": (
        queue("[queues.assistant]", 'provider = "openai"', 'model = "m"'),
        ["queues[0] (loja).assistant", "api_key is missing", "${OPENAI_API_KEY}"],
    ),
    "a voice without an id": (
        queue("[queues.voice]", 'provider = "elevenlabs"', 'api_key = "k"', 'model_id = "m"'),
        ["queues[0] (loja).voice", "voice_id is missing", "no built-in voice"],
    ),
    "a fallback without an address": (
        queue("[[queues.voice.fallbacks]]", 'provider = "openai_compatible"', 'voice_id = "v"', 'model_id = "m"'),
        ["queues[0] (loja).voice.fallbacks[0]", "base_url is missing"],
    ),
    "an ear without a model": (
        queue("[queues.hearing]", 'provider = "openai"', 'api_key = "k"'),
        ["queues[0] (loja).hearing", "model is missing"],
    ),
    "an open http channel": (SOUND.replace('key = "open-sesame"', ""), ["channels[0] (site)", "key is missing"]),
    "a callback without a secret": (
        channel('callback_url = "https://shop.example.com/in"'),
        ["channels[0] (site)", "callback_secret is missing", "recado secret"],
    ),
    "a callback with a password for a secret": (
        channel('callback_url = "https://shop.example.com/in"', 'callback_secret = "hunter-two"'),
        ["channels[0] (site)", "callback_secret", "whsec_", "recado secret"],
    ),
    "alerts that are not signed": (
        '[server.alerts]\nurl = "https://ops.example.com/in"\n' + SOUND,
        ["server.alerts", "secret is missing: alerts are signed", "recado secret"],
    ),
    "alerts with a secret that is none": (
        '[server.alerts]\nurl = "https://ops.example.com/in"\nsecret = "hunter-two"\n' + SOUND,
        ["server.alerts", "secret is no Standard Webhooks secret", "whsec_"],
    ),
    "an action that is not signed": (action('secret = ""'), ["queues[0] (loja).actions[0] (marcar)", "signed"]),
    "an action with no signer's secret": (action('secret = "abc"'), ["no Standard Webhooks secret", "recado secret"]),
    "an action into a private network": (
        action(f'secret = "{SECRET}"', url="http://10.0.0.1/x"),
        ["queues.loja.actions.marcar.url", "private", "allow_private_urls"],
    ),
    "two actions of one name": (
        queue(*2 * [f"[[queues.actions]]\nname = 'a'\nurl = 'https://a.example'\nsecret = '{SECRET}'"]),
        ["actions: two are named 'a'"],
    ),
    "a flow that is no file of one": (
        queue("[[queues.flows]]", 'trigger = "all"', 'file = "clinica.yaml"'),
        ["flows[0]", "clinica.yaml", ".toml or .json"],
    ),
    "alerts into a private network": (
        f'[server.alerts]\nurl = "http://10.0.0.7/in"\nsecret = "{SECRET}"\n' + SOUND,
        ["server.alerts.url", "private address", "allow_private_urls"],
    ),
    "a misspelt key of the alerts": (
        '[server.alerts]\nurll = "x"\n' + SOUND,
        ["server.alerts.urll, line 2", "did you mean 'url'"],
    ),
    "one key for two doors": (
        '[server]\nadmin_key = "open-sesame"\n' + SOUND,
        ["channels.site.key", "server.admin_key", "recado secret"],
    ),
    "an address into this network": (
        queue("[queues.assistant]", 'provider = "openai_chat"', 'model = "m"', 'base_url = "http://localhost:1/v1"'),
        ["queues.loja.assistant.base_url", "private", "allow_private_urls = true"],
    ),
    "an address of another kind": (
        queue("[queues.assistant]", 'provider = "openai_chat"', 'model = "m"', 'base_url = "ftp://a.example"'),
        ["queues.loja.assistant.base_url", "no http(s) address"],
    ),
    "an address that is none": (
        queue("[queues.assistant]", 'provider = "openai_chat"', 'model = "m"', 'base_url = "https://[::1"'),
        ["queues.loja.assistant.base_url", "no http(s) address"],
    ),
    "a port that is none": (
        queue("[queues.assistant]", 'provider = "openai_chat"', 'model = "m"', 'base_url = "https://a.example:99999"'),
        ["queues.loja.assistant.base_url", "no http(s) address"],
    ),
    "typing that is shortest above its longest": (
        queue("[queues.reply]", "typing_min_ms = 5000"),
        ["queues[0] (loja).reply", "typing_min_ms (5000)", "typing_max_ms (4000)", "at least 5000"],
    ),
    "a shortest voice note above the longest": (
        queue("[queues.reply]", "min_voice_chars = 901"),
        ["queues[0] (loja).reply", "min_voice_chars (901)", "max_voice_chars (900)", "at least 901"],
    ),
    "a key of another type": (
        provider("telegram", 'token = "123:abc"', 'verify_token = "v"'),
        ["channels[1] (novo)", 'verify_token is no key of a channel of type = "telegram"', "did you mean"],
    ),
    "a key of another type that is like none here": (
        provider("openai", 'key = "k-9"', 'graph_version = "v26.0"'),
        ["channels[1] (novo)", "graph_version is no key of a channel of type", "here stand: key"],
    ),
    "a misspelt key of a channel": (
        provider("telegram", 'token = "123:abc"', 'secret_tokn = "s"'),
        ["channels[1] (novo).secret_tokn, line 13", "did you mean 'secret_token'"],
    ),
    "a misspelt key that is nearer to one of another type": (
        provider("http", 'key = "k-9"', 'verify_tokens = "v"'),
        ["channels[1] (novo).verify_tokens, line 13", "here stand: callback_secret, callback_url"],
    ),
    "a misspelt key of a channel whose type is none": (
        SOUND.replace('"http"', '["http"]') + "tittle = 1\n",
        ["channels[0] (site).tittle, line 8", "did you mean 'title'"],
    ),
    "a type nobody has": (provider("whatsapp"), ["channels[1] (novo).type", "'whatsapp_cloud'", "'evolution'"]),
    "a channel without a queue": (
        SOUND.replace('queue = "loja"\n', ""),
        ["channels[0] (site)", "queue is missing: which queue answers here"],
    ),
    "a team that is a queue but for a slip": (
        SOUND.replace("[[channels]]", '[queues.handoff]\nto = "ljoa"\n[[channels]]', 1),
        ["queues.loja.handoff.to = 'ljoa' is no queue: did you mean 'loja'"],
    ),
    "the team of the closed hours, likewise": (
        SOUND.replace(
            "[[channels]]",
            '[queues.hours]\ntimezone = "America/Sao_Paulo"\nto = "lojas"\n'
            '[queues.hours.weekly]\nmon = ["09:00-18:00"]\n[[channels]]',
            1,
        ),
        ["queues.loja.hours.to = 'lojas' is no queue: did you mean 'loja'"],
    ),
    "an openai channel of a queue that does not exist": (
        provider("openai", 'key = "k-9"', 'queue = "lojas"'),
        ["channels.novo.queue = 'lojas' is no queue", "did you mean 'loja'"],
    ),
    "evolution with a word for a proof": (
        provider("evolution", *EVOLUTION[:3], 'webhook_secret = "senha"'),
        ["channels[1] (novo)", "webhook_secret can be guessed", "12 characters", "recado secret"],
    ),
    "evolution without a proof": (
        provider("evolution", *EVOLUTION[:3]),
        ["channels[1] (novo)", "webhook_secret is missing", "jwt_key", "recado secret"],
    ),
    "telegram's webhook without a proof": (
        provider("telegram", 'token = "123:abc"', 'mode = "webhook"'),
        ["channels[1] (novo)", "secret_token is missing", 'mode = "webhook"'],
    ),
    "a secret Telegram would refuse": (
        provider("telegram", 'token = "123:abc"', 'mode = "webhook"', 'secret_token = "olá, você aí do lado"'),
        ["channels[1] (novo)", "secret_token may hold A-Z a-z 0-9 _ - only"],
    ),
    "a template without its language": (
        provider("whatsapp_cloud", *WHATSAPP, 'template = "voltar_a_falar"'),
        ["channels[1] (novo).template, line 16", "pattern"],
    ),
    "a version of Graph that is none": (
        provider("whatsapp_cloud", *WHATSAPP, 'graph_version = "26"'),
        ["channels[1] (novo).graph_version, line 16", "pattern"],
    ),
    "a phone number for its id": (
        provider("whatsapp_cloud", 'phone_number_id = "+55 11 98765-4321"', *WHATSAPP[1:]),
        ["channels[1] (novo).phone_number_id, line 12", "pattern"],
    ),
    "one number on two channels": (
        provider("whatsapp_cloud", *WHATSAPP) + another("whatsapp_cloud", *WHATSAPP),
        ["channels.outro.phone_number_id is that of channels.novo", "one channel a number"],
    ),
    "one bot on two channels": (
        provider("telegram", 'token = "123:abc"') + another("telegram", 'token = "123:abc"'),
        ["channels.outro.token is that of channels.novo", "one channel a number"],
    ),
    "one bot of Chatwoot on two channels": (
        provider("chatwoot", *CHATWOOT) + another("chatwoot", CHATWOOT[0].replace('.com"', '.com/"'), *CHATWOOT[1:]),
        ["channels.outro.token is that of channels.novo", "one channel a number"],
    ),
    "Chatwoot without a proof": (
        provider("chatwoot", *CHATWOOT[:3]),
        ["channels[1] (novo)", "webhook_secret is missing", "agent bot's webhook secret"],
    ),
    "Chatwoot without its account": (
        provider("chatwoot", CHATWOOT[0], *CHATWOOT[2:]),
        ["channels[1] (novo)", "account_id is missing", "/accounts/"],
    ),
    "an API inbox without a proof": (
        queue(*CHATWOOT_DESK, 'inbox_identifier = "x"'),
        ["queues[0] (loja).handoff.desk", "secret is missing: of the API inbox's webhook"],
    ),
    "a Chatwoot that cannot say what is resolved": (
        queue(*CHATWOOT_DESK),
        ["queues[0] (loja).handoff", "desk.secret is missing", 'resume = "on_resolve"'],
    ),
    "a Chatwoot in which people do not see every conversation": (
        queue("[queues.handoff]", 'resume = "manual"', *CHATWOOT_DESK),
        ["queues.loja.handoff.desk.inbox_identifier is missing", "channels.site", "API inbox"],
    ),
    "one key for two openai doors": (
        provider("openai", 'key = "k-9"') + another("openai", 'key = "k-9"'),
        ["channels.outro.key is the same key as channels.novo.key", "recado secret"],
    ),
    "an inbox that opens with a channel's key": (
        queue("[queues.handoff.desk]", 'secret = "key-of-the-openai-door"')
        + another("openai", 'key = "key-of-the-openai-door"'),
        ["queues.loja.handoff.desk.secret is the same key as channels.outro.key", "recado secret"],
    ),
    "a webhook desk with no signer's secret": (
        queue(
            "[queues.handoff.desk]", 'type = "webhook"', 'url = "https://ops.example.com/in"', 'secret = "hunter-two"'
        ),
        ["queues[0] (loja).handoff", "desk.secret is no Standard Webhooks secret", "recado secret"],
    ),
    "an inbox whose key can be guessed": (
        queue("[queues.handoff.desk]", 'secret = "1234"'),
        ["queues[0] (loja).handoff.desk", "secret can be guessed", "recado secret"],
    ),
    "evolution in this network": (
        provider("evolution", 'base_url = "http://127.0.0.1:8080"', *EVOLUTION[1:]),
        ["channels.novo.base_url", "private", "allow_private_urls = true"],
    ),
    "groups that are neither": (
        provider("telegram", 'token = "123:abc"', 'groups = "some"'),
        ["channels[1] (novo).groups, line 13", "'ignore' or 'answer'"],
    ),
    "another database": (
        "[storage]\nurl = 'mysql://h/d'\n" + SOUND,
        ["storage.url, line 2", "sqlite:///recado.db", "postgresql://name:password@host/database"],
    ),
    "no TOML": ("port = \n", ["no valid TOML", "line 1"]),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=list(WRONG))
def test_a_mistake_is_named_placed_and_cured(text: str, words: list[str]) -> None:
    said = problems(text)
    assert said.startswith("recado.toml: ")
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("type", WHOLE)
def test_what_a_type_needs_is_enough(type: str) -> None:
    made = parse(provider(type, *WHOLE[type]))
    assert made.channels[1].type == type
    assert made.channels[1].queue == ("" if type == "openai" else "loja")


@pytest.mark.parametrize(("type", "key", "cure"), [(t, *need) for t, n in config.REQUIRED.items() for need in n])
def test_what_a_type_lacks_is_named_with_its_cure(type: str, key: str, cure: str) -> None:
    said = problems(provider(type, *(line for line in WHOLE[type] if not line.startswith(f"{key} ="))))
    assert said == f"recado.toml: channels[1] (novo): {key} is missing: {cure}"


def test_every_key_of_a_channel_belongs_to_a_type() -> None:
    everywhere = {"name", "type", "queue"}
    owned = {key for keys in config.KEYS.values() for key in keys}
    assert set(config.ChannelSettings.model_fields) - everywhere == owned
    for type, needs in config.REQUIRED.items():
        assert {key for key, _ in needs} <= set(config.KEYS[type])


def test_an_openai_channel_may_be_of_one_queue() -> None:
    assert parse(provider("openai", 'queue = "loja"', 'key = "k-9"')).channels[1].queue == "loja"


def test_evolution_may_prove_itself_by_its_token() -> None:
    made = parse(provider("evolution", *EVOLUTION[:3], 'jwt_key = "jwt-0123456789abcd"'))
    assert made.channels[1].jwt_key.get_secret_value() == "jwt-0123456789abcd"


def test_every_mistake_is_told_at_once() -> None:
    said = problems("[server]\nport = -1\nprot = 1\n" + queue("[queues.reply]", "max_voice_chars = 0"))
    assert len(said.splitlines()) == 3


def test_a_sound_configuration_has_defaults_everywhere() -> None:
    made = parse(SOUND)
    assert made.server.port == 8080
    assert made.queues[0].window.interval_ms == 4000
    assert made.queues[0].assistant.provider == "local"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read"):
        load(tmp_path / "nowhere.toml", env={})


def test_a_file_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_bytes("título = 'ação'".encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "old.toml", env={})


def test_the_mark_some_editors_put_first_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "recado.toml").write_text(SOUND, "utf-8-sig")
    assert load(tmp_path / "recado.toml", env={}).queues[0].name == "loja"


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    flow = ("[[queues.flows]]", 'trigger = "all"', 'file = "clinica.toml"')
    (tmp_path / "recado.toml").write_text(queue('knowledge = ["faq.md"]', *flow))
    made = load(tmp_path / "recado.toml", env={})
    assert made.storage.url == f"sqlite:///{tmp_path / 'recado.db'}"
    assert made.storage.media_dir == str(tmp_path / "media")
    assert made.queues[0].knowledge == (str(tmp_path / "faq.md"),)
    assert made.queues[0].flows[0].file == str(tmp_path / "clinica.toml")


# -- the environment and flags -----------------------------------------------------------------------


def test_the_environment_is_stronger_than_the_file_and_flags_are_stronger_still() -> None:
    text = "[server]\nport = 1\n" + SOUND
    env = {"RECADO_SERVER__PORT": "2"}
    assert parse(text).server.port == 1
    assert parse(text, env=env).server.port == 2
    assert parse(text, env=env, flags={"server.port": 3}).server.port == 3


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("RECADO_SERVER__HOST", "0.0.0.0", lambda c: c.server.host == "0.0.0.0"),
        ("RECADO_SERVER__ALLOW_PRIVATE_URLS", "true", lambda c: c.server.allow_private_urls is True),
        ("RECADO_QUEUES__0__WINDOW__INTERVAL_MS", "250", lambda c: c.queues[0].window.interval_ms == 250),
        ("RECADO_QUEUES__0__KNOWLEDGE", '["a.md", "b.md"]', lambda c: len(c.queues[0].knowledge) == 2),
        ("RECADO_QUEUES__0__REPLY__FORMAT", "both", lambda c: c.queues[0].reply.format == "both"),
        ("RECADO_CHANNELS__0__KEY", "a # b", lambda c: c.channels[0].key.get_secret_value() == "a # b"),
        ("RECADO_VAULT_KEY", "not a setting", lambda c: c == parse(SOUND)),
        ("RECADO_CACHE", "not a setting", lambda c: c == parse(SOUND)),
    ],
)
def test_a_variable_sets_its_key(name: str, value: str, read: Any) -> None:
    assert read(parse(SOUND, env={name: value}))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RECADO_SERVER__PORT", "nine", ["server.port", "integer"]),
        ("RECADO_SERVER__PROT", "9", ["server.prot", "unknown key", "did you mean 'port'"]),
        ("RECADO_SERVR__PORT", "9", ["servr", "unknown key", "did you mean 'server'"]),
        ("RECADO_QUEUES__7__LANGUAGE", "es", ["RECADO_QUEUES__7__LANGUAGE", "no such place"]),
        ("RECADO_QUEUES__LOJA__LANGUAGE", "es", ["RECADO_QUEUES__LOJA__LANGUAGE", "no such place"]),
        ("RECADO_QUEUES__0__NAME__X", "es", ["RECADO_QUEUES__0__NAME__X", "no such place"]),
        ("RECADO_QUEUES__0__WINDOW__INTERVAL_MS", "90000", ["queues[0] (loja).window", "at least 90000"]),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, words: list[str]) -> None:
    said = problems(SOUND, {name: value})
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("value", ["12345", "007", "true", "2026-11-21", "1e5", "it's", "[1]", "{a = 1}"])
def test_a_text_in_the_environment_stays_the_text_it_is(value: str) -> None:
    """A key made of digits is a key, not a number."""
    assert parse(SOUND, env={"RECADO_CHANNELS__0__KEY": value}).channels[0].key.get_secret_value() == value


def test_a_reference_is_filled_in_wherever_it_stands() -> None:
    text = queue('instructions = "Loja ${CITY}, ${CITY}!"').replace("open-sesame", "${KEY}")
    made = parse(text, env={"CITY": "Campinas", "KEY": "k1"})
    assert made.queues[0].instructions == "Loja Campinas, Campinas!"
    assert made.channels[0].key.get_secret_value() == "k1"


def test_what_a_variable_holds_is_not_filled_in_again() -> None:
    made = parse(SOUND.replace("open-sesame", "${KEY}"), env={"KEY": "a${KEY}b"})
    assert made.channels[0].key.get_secret_value() == "a${KEY}b"


def test_a_missing_variable_is_named_with_its_key() -> None:
    said = problems(SOUND.replace("open-sesame", "${SITE_KEY}"))
    assert "channels[0]" in said
    assert "key" in said
    assert "SITE_KEY is not set" in said


def test_two_dollars_are_one() -> None:
    made = parse(queue('instructions = "custa $${5} e $5"'))
    assert made.queues[0].instructions == "custa ${5} e $5"


def test_conversations_that_lie_in_a_chatwoot_are_answered_there() -> None:
    """The same address and account; two accounts of one server may have a bot with one key each."""
    only = channel("[[channels]]").partition("[[channels]]")[0]
    only += "\n".join(["[queues.handoff]", 'resume = "manual"', *CHATWOOT_DESK, ""])
    made = parse(only + another("chatwoot", *CHATWOOT))
    assert made.lies_at_desk("outro", "loja")
    assert not made.lies_at_desk("another", "loja")
    other = [CHATWOOT[0], "account_id = 2", *CHATWOOT[2:]]
    assert "inbox_identifier is missing" in problems(only + another("chatwoot", *other))
    carried = only.replace(CHATWOOT_DESK[-1], CHATWOOT_DESK[-1] + '\ninbox_identifier = "x"\nsecret = "s"')
    made = parse(carried + another("chatwoot", *CHATWOOT) + another("chatwoot", *other, name="filial"))
    assert not made.lies_at_desk("outro", "loja")


# -- secrets -----------------------------------------------------------------------------------------

HIDDEN = "s3cr3t-Wert"
LEAKS = {
    "admin key of a wrong type": f'[server]\nadmin_key = ["{HIDDEN}"]\n' + SOUND,
    "channel key with a neighbour": SOUND.replace("open-sesame", HIDDEN) + "prot = 1\n",
    "assistant key without a model": queue("[queues.assistant]", 'provider = "openai"', f'api_key = "{HIDDEN}"'),
    "assistant key of a wrong type": queue("[queues.assistant]", f'api_key = {{ a = "{HIDDEN}" }}'),
    "voice key without a voice": queue("[queues.voice]", 'provider = "elevenlabs"', f'api_key = "{HIDDEN}"'),
    "voice key of a fallback": queue("[[queues.voice.fallbacks]]", 'provider = "x"', f'api_key = "{HIDDEN}"'),
    "hearing key": queue("[queues.hearing]", 'provider = "openai"', f'api_key = "{HIDDEN}"'),
    "callback secret": channel('callback_url = "https://a.example"', f'callback_secret = "{HIDDEN}"'),
    "secret of the alerts": f'[server.alerts]\nurl = "https://a.example"\nsecret = "{HIDDEN}"\n' + SOUND,
    "password in the alerts' address": f'[server.alerts]\nurl = "https://u:{HIDDEN}@a.example"\nsecret = "{SECRET}"\n'
    + SOUND,
    "password in an address": channel(
        f'callback_url = "https://u:{HIDDEN}@a.example"', f'callback_secret = "{SECRET}"'
    ),
    "password in a database address": f'[storage]\nurl = "mysql://u:{HIDDEN}@h/d"\n' + SOUND,
    "one key twice": f'[server]\nadmin_key = "{HIDDEN}"\n' + SOUND.replace("open-sesame", HIDDEN),
    "whatsapp's token beside a wrong number": provider(
        "whatsapp_cloud", 'phone_number_id = "x"', f'access_token = "{HIDDEN}"', f'app_secret = "{HIDDEN}"'
    ),
    "whatsapp's secret without a token": provider("whatsapp_cloud", WHATSAPP[0], f'app_secret = "{HIDDEN}"'),
    "evolution's key without a proof": provider("evolution", *EVOLUTION[:2], f'api_key = "{HIDDEN}"'),
    "evolution's proof of a wrong type": provider("evolution", *EVOLUTION[:3], f'webhook_secret = ["{HIDDEN}"]'),
    "one bot twice": provider("telegram", f'token = "{HIDDEN}"') + another("telegram", f'token = "{HIDDEN}"'),
    "a secret Telegram would refuse": provider("telegram", 'token = "1:a"', f'secret_token = "{HIDDEN} !"'),
    "a token where none belongs": provider("openai", 'key = "k-9"', f'token = "{HIDDEN}"'),
    "a line that is no TOML": f"[server]\nadmin_key = {HIDDEN}\n",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=list(LEAKS))
def test_no_error_tells_a_secret(text: str) -> None:
    assert HIDDEN not in problems(text)


def test_no_repr_tells_a_secret() -> None:
    made = parse(SOUND.replace("open-sesame", HIDDEN))
    assert HIDDEN not in repr(made)
    assert HIDDEN not in made.model_dump_json()


PLACES = [
    "server.admin_key",
    "queues.0.assistant.api_key",
    "queues.0.voice.api_key",
    "queues.0.hearing.api_key",
    "channels.0.key",
    "channels.0.callback_secret",
    "server.alerts.secret",
]


@given(place=st.sampled_from(PLACES), wrap=st.sampled_from([str, lambda x: [x], lambda x: {"a": x}, lambda x: (x,)]))
def test_wherever_a_secret_stands_no_error_tells_it(place: str, wrap: Any) -> None:
    flags = {place: wrap(HIDDEN), "server.port": "wrong"}
    with pytest.raises(ConfigError) as caught:
        parse(SOUND, flags=flags)
    assert HIDDEN not in str(caught.value)
    assert HIDDEN not in "".join(caught.value.problems)


# -- the example -------------------------------------------------------------------------------------

SECTIONS: dict[str, type[BaseModel]] = {
    "server": config.Server,
    "server.alerts": config.AlertSettings,
    "storage": config.Storage,
    "embedded": config.Embedded,
    "queues": config.Queue,
    "queues.window": config.Window,
    "queues.assistant": config.AssistantSettings,
    "queues.assistants": config.AssistantSettings,
    "queues.reply": config.Reply,
    "queues.voice": config.Voice,
    "queues.voice.fallbacks": config.VoiceSettings,
    "queues.hearing": config.HearingSettings,
    "queues.handoff": config.Handoff,
    "queues.handoff.desk": DeskSettings,
    "queues.sentences": config.Sentences,
    "queues.opt_out": config.OptOut,
    "queues.hours": Hours,
    "queues.hours.weekly": Weekly,
    "queues.auto_replies": AutoReply,
    "queues.follow_up": FollowUp,
    "queues.closing": Closing,
    "queues.rating": Rating,
    "queues.flows": FlowTrigger,
    "queues.actions": config.ActionSettings,
    "channels": config.ChannelSettings,
}
HEADER = re.compile(r"\[\[?([a-z_.]+)\]\]?")
AT_DEFAULT = re.compile(r"# ([a-z0-9_]+ = .*)")
KEY = re.compile(r"(?:# )?([a-z0-9_]+) = ")


def example() -> Iterator[tuple[str, str]]:
    """(section, line)"""
    section = ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if header := HEADER.fullmatch(line.strip()):
            section = header[1]
        yield section, line


def plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value


def test_the_example_loads() -> None:
    made = load(EXAMPLE, env=ENVIRONMENT)
    types = ["webchat", "http", "whatsapp_cloud", "evolution", "telegram", "chatwoot", "openai"]
    assert [c.type for c in made.channels] == types
    assert types == list(config.KEYS)
    first, second = made.queues[0].voice.fallbacks
    own = made.queues[0].voice.voice_id
    assert (first.provider, first.model_id, first.voice_id) == ("elevenlabs", "eleven_flash_v2_5", own)
    assert (second.provider, second.voice_id) == ("local", "")


def test_the_example_needs_exactly_these_variables() -> None:
    assert set(re.findall(r"\$\{([A-Z_]+)\}", EXAMPLE.read_text("utf-8"))) == {"NAME", *ENVIRONMENT}


def test_what_the_example_leaves_out_stands_at_its_default() -> None:
    checked = 0
    for section, line in example():
        if section and (found := AT_DEFAULT.fullmatch(line)):
            [(key, value)] = tomllib.loads(found[1]).items()
            assert plain(SECTIONS[section].model_fields[key].default) == value, f"[{section}] {key}"
            checked += 1
    assert checked > 20


def test_the_example_shows_every_key() -> None:
    shown = {(section, found[1]) for section, line in example() if section and (found := KEY.match(line))}
    further = ("queues.voice.fallbacks", "queues.assistants")
    missing = [
        f"[{section}] {key}"
        for section, model in SECTIONS.items()
        for key, field in model.model_fields.items()
        if section not in further and not _is_section(field.annotation) and (section, key) not in shown
    ]
    assert missing == []
    headers = {section for section, _ in example() if section}
    assert headers == set(SECTIONS)


def test_the_sections_of_this_test_are_all_there_are() -> None:
    models = {m for m in vars(config).values() if isinstance(m, type) and issubclass(m, config.Section)}
    ours = {model for model in SECTIONS.values() if issubclass(model, config.Section)}  # the others are a rule's own
    assert models - {config.Section, Config} == ours


def _is_section(annotation: Any) -> bool:
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    return any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("oficna", "oficina", True),
        ("oficinaa", "oficina", True),
        ("ofisina", "oficina", True),
        ("ofician", "oficina", True),
        ("oficina2", "oficina", False),
        ("oficina1", "oficina2", False),
        ("oficina", "oficina", False),
        ("humanos", "oficina", False),
        ("ofinica", "oficina", False),
        ("gerente", "gerentes", True),
        ("vendas-sp", "vendas-rj", False),
    ],
)
def test_a_slip_of_a_finger(one: str, other: str, slip: bool) -> None:
    assert _one_slip(one, other) is _one_slip(other, one) is slip
