"""Sounds and answers that no provider should send, and some day one does."""

from __future__ import annotations

import struct

import pytest

from tests import ogg as judge
from tests.fakes import sounds
from tts import encode, ogg

HUGE = 2**62


def timed(sound: bytes, *granules: int | None) -> bytes:
    """The same file whose pages say another time, counted from the end; None: as it was."""
    pages = [bytes(page.data) for page in ogg.pages(sound)]
    for place, granule in enumerate(granules):
        page = pages[len(pages) - len(granules) + place]
        if granule is not None:
            page = page[:6] + struct.pack("<q", granule) + page[14:]
        pages[len(pages) - len(granules) + place] = page[:22] + struct.pack("<I", judge.crc(page)) + page[26:]
    return b"".join(pages)


@pytest.mark.parametrize("granules", [(HUGE,), (0,), (-1,), (480_000,), (None, -5, None)], ids=str)
def test_a_time_that_the_packets_do_not_bear_out_is_written_anew(granules):
    """Passed as it was, a note of two seconds would have been one of three million years."""
    whole = sounds.ogg_opus(2.5)
    (note,) = encode.notes([timed(whole, *granules)])
    found = judge.read(note.audio.data)
    assert found.seconds == pytest.approx(note.audio.seconds) == pytest.approx(2.5, abs=0.05)
    assert found.bad_sums == 0


def test_what_is_timed_well_still_passes_untouched():
    whole = sounds.ogg_silence(3)
    (note,) = encode.notes([whole])
    assert note.audio.data == whole


def test_pages_without_any_time_are_no_trouble():
    whole = sounds.ogg_opus(0.5)
    nowhere = timed(whole, *[-1] * len(list(ogg.pages(whole))))
    assert ogg.facts(nowhere).seconds == 0
    (note,) = encode.notes([nowhere])
    assert note.audio.seconds == pytest.approx(0.5, abs=0.05)
