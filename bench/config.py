"""The gateway as it is measured: three queues that differ in history and voice, hosted parts that answer at once."""

from __future__ import annotations

from pathlib import Path

from bench.processes import Beside, Program, free_port
from tests.fakes.elevenlabs import KEY as VOICE_KEY
from tests.fakes.elevenlabs import VOICE
from tests.fakes.openai import KEY as ASSISTANT_KEY

ADMIN = "admin-key-0123456789"
CHANNELS = {"api": "short", "long": "long", "spoken": "spoken"}
"""Channel name to queue name; the key of a channel is `key_of` it."""
DEAF = '[queues.hearing]\nprovider = "none"\n'


def key_of(channel: str) -> str:
    return f"channel-key-of-{channel}"


def configuration(
    assistant_url: str,
    voice_url: str = "http://127.0.0.1:9",
    *,
    window_ms: int = 50,
    more: str = "",
    database: str = "",
) -> str:
    """The TOML. `more`: further channels. `database`: `storage.url`; a file beside the configuration otherwise."""
    mirrored = _voice(voice_url, "mirror") + _ear(assistant_url)
    queues = [
        _queue("short", assistant_url, window_ms, history=20, more=DEAF),
        _queue("long", assistant_url, window_ms, history=100, more=DEAF),
        _queue("spoken", assistant_url, window_ms, history=20, more=_voice(voice_url) + DEAF),
        _queue("mirrored", assistant_url, window_ms, history=20, more=mirrored),
    ]
    channels = [
        f'[[channels]]\nname = "{name}"\ntype = "http"\nqueue = "{queue}"\nkey = "{key_of(name)}"\n'
        for name, queue in CHANNELS.items()
    ]
    server = f'[server]\nport = 0\nadmin_key = "{ADMIN}"\nallow_private_urls = true\nlog_level = "warning"\n'
    storage = f'[storage]\nurl = "{database}"\n' if database else ""
    return "\n".join([server, storage, *queues, *channels, more])


def _queue(name: str, assistant_url: str, window_ms: int, *, history: int, more: str = "") -> str:
    return f"""
[[queues]]
name = "{name}"
instructions = "Você é a atendente da loja."
window = {{ interval_ms = {window_ms}, max_wait_ms = {max(20_000, window_ms)} }}
[queues.assistant]
provider = "openai"
api_key = "{ASSISTANT_KEY}"
base_url = "{assistant_url}"
model = "gpt-6-luna"
history = {history}
{more}"""


def _ear(url: str) -> str:
    return f"""
[queues.hearing]
provider = "openai"
api_key = "{ASSISTANT_KEY}"
base_url = "{url}"
model = "gpt-transcribe"
"""


def _voice(url: str, format: str = "voice") -> str:
    return f"""
[queues.reply]
format = "{format}"
[queues.voice]
provider = "elevenlabs"
api_key = "{VOICE_KEY}"
base_url = "{url}"
voice_id = "{VOICE}"
model_id = "eleven_flash_v2_5"
"""


def gateway(folder: Path, text: str, env: dict[str, str] | None = None, beside: Beside | None = None) -> Program:
    """`recado run` on what stands in `folder`. `beside`: what it makes work elsewhere."""
    file, port = folder / "recado.toml", free_port()
    file.write_text(text)
    return Program("gateway", "run", "--config", str(file), "--port", str(port), port=port, env=env, beside=beside)
