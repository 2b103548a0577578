"""A full disk: said so, nothing half-written, and forgotten once there is room."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fakes import sounds
from tests.fakes.openai import FakeOpenAI
from tests.story.running import KEY, toml
from tests.story.served import Served

AUTH = {"Authorization": f"Bearer {KEY}"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit another process")
async def test_a_full_disk_is_a_503_and_then_it_goes_on(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, aiohttp.ClientSession(headers=AUTH) as http:
        config = tmp_path / "recado.toml"
        config.write_text(toml(openai.base_url, openai_key=openai.key))
        served = Served(config)
        await served.start()
        posted = f"{served.url}/v1/channels/api/messages"
        served.limit_files(200_000)
        accepted, status, number = [], 202, 0
        while status == 202:
            number += 1
            message = {"id": str(number), "contact": {"id": "c"}, "text": f"{number} " + "x" * 20_000}
            async with http.post(posted, json=message) as answer:
                status, conversation = answer.status, (await answer.json(content_type=None)).get("conversation")
                if status == 202:
                    accepted.append(str(number))
                    read = f"{served.url}/v1/conversations/{conversation}/messages"
        assert (status, answer.content_type) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        form = aiohttp.FormData({"id": "note", "contact": '{"id": "c"}'})
        form.add_field("audio", sounds.wav(12.0), filename="a.wav", content_type="audio/wav")
        async with http.post(posted, data=form) as answer:
            assert answer.status == 503
        assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == [], "no half of a note is left"
        async with http.get(f"{served.url}/healthz") as answer:
            assert answer.status == 200

        served.limit_files(resource.RLIM_INFINITY)
        async with http.post(posted, json=message, params={"wait": "60"}) as answer:
            assert answer.status == 200, "the same message is taken now, and answered"
        async with http.get(read) as answer:
            found = [m["id"] for m in (await answer.json())["messages"] if m["from"] == "contact"]
        assert found == [*accepted, message["id"]]
        code, _ = await served.terminate()
        assert code == 0
