"""Opening hours against a clock that is read minute by minute, through every way clocks are put forward and back."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import zoneinfo
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.rules.hours import (
    DAYS,
    Closed,
    Hours,
    Weekly,
    is_open,
    minutes_of,
    next_business_day,
    next_closing,
    next_opening,
    why_closed,
)

SHOP = Hours.model_validate(
    {
        "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in DAYS[:5]} | {"sat": "09:00-13:00"},
        "closed": ["2026-12-24"],
    }
)


def at(text: str, zone: str = "America/Sao_Paulo") -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def of(zone: str = "America/Sao_Paulo", holidays: str = "", closed: tuple[str, ...] = (), **weekly: object) -> Hours:
    return Hours.model_validate({"timezone": zone, "holidays": holidays, "closed": closed, "weekly": weekly})


# -- plain days -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "open_then"),
    [
        ("2026-11-17T08:59:59", False),
        ("2026-11-17T09:00:00", True),
        ("2026-11-17T11:59:59", True),
        ("2026-11-17T12:00:00", False),
        ("2026-11-17T17:59", True),
        ("2026-11-17T18:00", False),
        ("2026-11-21T10:00", True),  # Saturday
        ("2026-11-21T13:00", False),
        ("2026-11-22T10:00", False),  # Sunday
        ("2026-11-20T10:00", False),  # Consciência Negra
        ("2026-07-09T10:00", False),  # of São Paulo alone
        ("2026-12-24T10:00", False),  # of `closed`
    ],
)
def test_a_shop_is_open_when_its_door_says_so(moment: str, open_then: bool) -> None:
    assert is_open(SHOP, at(moment)) is open_then
    assert (why_closed(SHOP, at(moment)) is None) is open_then


def test_the_ninth_of_july_is_a_day_like_any_other_in_rio() -> None:
    weekly = {"thu": ["09:00-18:00"]}
    assert is_open(Hours.model_validate({"holidays": "BR-RJ", "weekly": weekly}), at("2026-07-09T10:00"))
    assert not is_open(Hours.model_validate({"holidays": "BR-SP", "weekly": weekly}), at("2026-07-09T10:00"))


def test_the_next_opening_passes_over_the_weekend_and_holidays() -> None:
    assert next_opening(SHOP, at("2026-11-17T10:00")) == at("2026-11-17T10:00"), "it is open"
    assert next_opening(SHOP, at("2026-11-17T12:30")) == at("2026-11-17T13:00")
    assert next_opening(SHOP, at("2026-11-19T18:30")) == at("2026-11-21T09:00")
    assert next_opening(SHOP, at("2026-12-23T19:00")) == at("2026-12-26T09:00")


def test_the_next_closing() -> None:
    assert next_closing(SHOP, at("2026-11-17T10:00")) == at("2026-11-17T12:00")
    assert next_closing(SHOP, at("2026-11-17T12:30")) == at("2026-11-17T12:30"), "it is closed"


def test_the_next_business_day_is_a_later_day_though_the_shop_opens_again_today() -> None:
    assert next_business_day(SHOP, at("2026-11-17T07:00")) == at("2026-11-18T09:00")
    assert next_business_day(SHOP, at("2026-11-17T12:30")) == at("2026-11-18T09:00")
    assert next_business_day(SHOP, at("2026-11-19T23:00")) == at("2026-11-21T09:00")


def test_without_weekly_hours_it_is_always_open() -> None:
    always, now = Hours(), at("2026-12-25T03:00")
    assert is_open(always, now)
    assert next_opening(always, now) == now
    assert next_closing(always, now) is None
    assert why_closed(always, now) is None
    assert next_business_day(always, now) == at("2026-12-26T00:00")


def test_a_week_without_a_gap_never_closes_and_its_business_days_begin_at_midnight() -> None:
    whole = of(**dict.fromkeys(DAYS, "00:00-24:00"))
    assert next_closing(whole, at("2026-11-17T10:00")) is None
    assert next_business_day(whole, at("2026-11-17T10:00")) == at("2026-11-18T00:00")


def test_what_never_opens_again_says_so() -> None:
    mondays = [dt.date(2026, 11, 23) + dt.timedelta(weeks=n) for n in range(80)]
    never, now = of(closed=tuple(map(str, mondays)), mon="09:00-10:00"), at("2026-11-18T12:00")
    assert next_opening(never, now) is None
    assert next_business_day(never, now) == now + 400 * 86_400_000


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    bar = of(closed=("2026-11-21",), fri="18:00-02:00", sat="18:00-02:00")
    assert next_closing(bar, at("2026-11-20T20:00")) == at("2026-11-21T02:00"), "into a closed day"
    assert not is_open(bar, at("2026-11-21T20:00"))
    assert not is_open(bar, at("2026-11-22T01:00")), "the night of the closed day"


def test_two_ranges_that_meet_are_no_closing() -> None:
    night = of(mon="18:00-24:00", tue=["00:00-02:00", "02:00-03:00"])
    assert next_closing(night, at("2026-11-23T19:00")) == at("2026-11-24T03:00")


def test_why_it_is_closed() -> None:
    assert why_closed(SHOP, at("2026-11-17T12:30")) == Closed("time")
    assert why_closed(SHOP, at("2026-11-22T12:30")) == Closed("weekday")
    assert why_closed(SHOP, at("2026-12-24T10:00")) == Closed("holiday")
    assert why_closed(SHOP, at("2026-12-25T10:00")) == Closed("holiday", "Natal")
    assert why_closed(SHOP, at("2026-12-25T23:00")) == Closed("holiday", "Natal"), "rather than the time"


@pytest.mark.parametrize(
    ("region", "language", "name"),
    [
        ("BR-SP", "pt-BR", "Natal"),
        ("BR", "en", "Christmas Day"),
        ("BR", "zh", "Natal"),
        ("PT", "pt-BR", "Dia de Natal"),
        ("ES", "es-MX", "Natividad del Señor"),
        ("MX", "es", "Navidad"),
        ("US-NY", "pt-BR", "Christmas Day"),
    ],
)
def test_a_holiday_is_named_in_the_queues_language_where_it_can_be(region: str, language: str, name: str) -> None:
    assert why_closed(of(holidays=region, fri="09:00-18:00"), at("2026-12-25T10:00"), language) == Closed(
        "holiday", name
    )


# -- clocks put forward and back --------------------------------------------------------------------

CHANGES = [
    ("America/Sao_Paulo", "2018-02-18"),  # back, from midnight to 23:00 of the day before
    ("America/Sao_Paulo", "2018-11-04"),  # forward, from midnight to 01:00
    ("America/Sao_Paulo", "2026-11-18"),  # not at all
    ("Europe/Lisbon", "2026-03-29"),
    ("Europe/Lisbon", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/St_Johns", "2010-11-07"),  # back at 00:01
    ("Australia/Lord_Howe", "2026-10-04"),  # by half an hour
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Pacific/Apia", "2011-12-30"),  # a day that never was
]
MINUTE = 60_000


@cache
def walls(zone: str, day: str) -> tuple[int, tuple[dt.datetime, ...]]:
    """The first minute of eleven days around a day, and what the clock shows in each minute from it on."""
    begin = at(f"{day}T12:00", "UTC") // MINUTE - 5 * 1440
    minutes = range(begin, begin + 11 * 1440)
    tz = ZoneInfo(zone)
    return begin, tuple(dt.datetime.fromtimestamp(m * 60, tz).replace(tzinfo=None) for m in minutes)


def open_minutes(hours: Hours, day: str) -> tuple[set[int], list[tuple[dt.date, int]]]:
    """Which minutes are open, and (day, first minute) of each range: by reading the clock, and nothing else."""
    begin, clock = walls(hours.timezone, day)
    found: set[int] = set()
    starts: list[tuple[dt.date, int]] = []
    for date in sorted({wall.date() for wall in clock})[1:-2]:
        for text in getattr(hours.weekly, DAYS[date.weekday()]):
            first, last = (dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=m) for m in minutes_of(text))
            start = next(n for n, wall in enumerate(clock) if wall >= first)
            stop = next(n for n in reversed(range(len(clock))) if clock[n] < last) + 1
            if start < stop and date not in hours.closed:
                found |= {begin + n for n in range(start, stop)}
                starts.append((date, begin + start))
    return found, sorted(starts, key=lambda each: each[1])


def clock_times(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low // 15, high // 15).map(lambda quarter: quarter * 15)


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, list[str]]:
    """Up to two ranges a day, some over midnight."""
    week: dict[str, list[str]] = {}
    for day in DAYS:
        cuts = sorted(draw(st.sets(clock_times(150, 1440), max_size=4)))
        pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
        week[day] = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs]
        if draw(st.booleans()) and (not cuts or cuts[-1] < 1440):
            end = draw(clock_times(15, 150))
            week[day].append(f"{max([1380, *cuts]) // 60:02}:{max([1380, *cuts]) % 60:02}-{end // 60:02}:{end % 60:02}")
            week[day] = [text for text in week[day] if sum(minutes_of(text)[1] > 1440 for text in week[day]) <= 1]
    return {day: ranges for day, ranges in week.items() if ranges} or {"mon": ["09:00-18:00"]}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CHANGES), weeks(), st.data())
def test_every_minute_is_as_the_clock_on_the_wall_shows_it(
    change: tuple[str, str], week: dict[str, list[str]], data: st.DataObject
) -> None:
    zone, day = change
    hours = of(zone, closed=(day,) if data.draw(st.booleans()) else (), **week)
    begin, clock = walls(zone, day)
    opened, starts = open_minutes(hours, day)
    for _ in range(12):
        now = begin + data.draw(st.integers(4 * 1440, 6 * 1440))
        today = clock[now - begin].date()
        assert is_open(hours, now * MINUTE) is (now in opened)
        after = range(now, begin + 7 * 1440)
        for found, expected in (
            (next_opening(hours, now * MINUTE), next((m for m in after if m in opened), None)),
            (next_closing(hours, now * MINUTE), next((m for m in after if m not in opened), None)),
            (next_business_day(hours, now * MINUTE), next((m for d, m in starts if d > today and m > now), None)),
        ):
            if expected is not None and expected < begin + 7 * 1440:
                assert found == expected * MINUTE


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_the_hours_around_a_change(zone: str, day: str) -> None:
    """Every quarter of an hour of it, with ranges that begin, end and lie within what is skipped or repeated."""
    whole = ["00:15-00:45", "00:50-01:00", "01:15-01:45", "02:15-02:45", "03:00-05:00", "22:00-23:00", "23:10-23:30"]
    hours = of(zone, **dict.fromkeys(DAYS, whole))
    begin, _ = walls(zone, day)
    opened, _ = open_minutes(hours, day)
    wrong = [m for m in range(begin + 4 * 1440, begin + 6 * 1440, 5) if is_open(hours, m * MINUTE) is not (m in opened)]
    assert wrong == []


def test_a_day_that_never_was_has_no_night() -> None:
    bar = of("Pacific/Apia", fri="18:00-02:00")
    assert not is_open(bar, at("2011-12-31T01:00", "Pacific/Apia"))
    assert is_open(bar, at("2012-01-07T01:00", "Pacific/Apia"))


# -- what is wrong with a file ------------------------------------------------------------------------

WRONG = {
    "a zone by its city": ({"timezone": "Sao Paulo"}, "timezone", "did you mean 'America/Sao_Paulo'?"),
    "a zone in Portuguese": ({"timezone": "Lisboa"}, "timezone", "did you mean 'Europe/Lisbon'?"),
    "a zone misspelt": ({"timezone": "America/Sao_Paolo"}, "timezone", "did you mean 'America/Sao_Paulo'?"),
    "an offset": ({"timezone": "GMT-3"}, "timezone", 'e.g. "America/Sao_Paulo"; names are IANA'),
    "a folder": ({"timezone": "America"}, "timezone", "no time zone"),
    "a way out": ({"timezone": "../../etc/passwd"}, "timezone", "no time zone"),
    "a part misspelt": ({"holidays": "BR-SO"}, "holidays", "there are BR-SC, BR-SE, BR-SP"),
    "a part in small letters": ({"holidays": "br-sp"}, "holidays", "did you mean 'BR-SP'?"),
    "a country by its name": ({"holidays": "Brasil"}, "holidays", "did you mean 'BR'?"),
    "a country by three letters": ({"holidays": "BRA"}, "holidays", "did you mean 'BR'?"),
    "a region like no other": ({"holidays": "Q9"}, "holidays", '"BR", "BR-SP"'),
    "no time": ({"weekly": {"mon": ["9h-18h"]}}, "weekly.mon", 'e.g. "09:00-18:00"'),
    "an hour no clock shows": ({"weekly": {"mon": ["09:00-25:00"]}}, "weekly.mon", "no clock shows: 25:00"),
    "a minute no clock shows": ({"weekly": {"mon": ["09:60-10:00"]}}, "weekly.mon", "no clock shows: 09:60"),
    "nothing": ({"weekly": {"mon": ["09:00-09:00"]}}, "weekly.mon", 'a whole day is "00:00-24:00"'),
    "its ends swapped": ({"weekly": {"mon": ["12:00-09:00"]}}, "weekly.mon", "would last 21 hours: swap"),
    "two at once": ({"weekly": {"mon": ["09:00-12:00", "11:00-13:00"]}}, "weekly", "mon '11:00-13:00' overlaps mon"),
    "into the next day": ({"weekly": {"mon": "22:00-02:00", "tue": "01:00-05:00"}}, "weekly", "overlaps mon '22"),
    "into the next week": ({"weekly": {"sun": "22:00-02:00", "mon": "01:00-05:00"}}, "weekly", "overlaps sun '22:00-"),
    "a week without a day": ({"weekly": {}}, "weekly", 'mon = ["09:00-18:00"]'),
    "a day that is none": ({"weekly": {"monday": "09:00-18:00"}}, "weekly.monday", "not permitted"),
    "a date as people write it": ({"closed": ["24/12/2026"]}, "closed.0", '"2026-12-24"'),
    "a message for nothing": ({"message": "Volte amanhã"}, "", "message does nothing without weekly"),
    "a queue for nothing": ({"to": "plantao"}, "", "to does nothing without weekly"),
    "a queue no queue can be": ({"to": "o plantão", "weekly": {"mon": "9:00-10:00"}}, "to", "pattern"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_wrong_names_the_key_and_the_cure(case: str) -> None:
    given_, key, cure = WRONG[case]
    with pytest.raises(ValidationError) as caught:
        Hours.model_validate(given_)
    problems = [(".".join(map(str, e["loc"])), e["msg"]) for e in caught.value.errors()]
    assert [where for where, _ in problems] == [key]
    assert cure in problems[0][1]


@given(st.text(max_size=12) | st.text("0123456789:-24", min_size=9, max_size=11))
def test_any_text_is_a_range_or_a_plain_error(text: str) -> None:
    try:
        begin, end = minutes_of(text)
    except ValueError:
        return
    assert 0 <= begin < 1440
    assert begin < end < begin + 1441


def test_dates_may_be_dates_and_texts() -> None:
    both = {"closed": [dt.date(2026, 12, 24), "2026-12-31"], "weekly": {"thu": "9:00-18:00"}}
    assert Hours.model_validate(both).closed == (dt.date(2026, 12, 24), dt.date(2026, 12, 31))


def test_the_defaults_are_a_zone_and_a_region() -> None:
    defaults = Hours()
    given_ = {"timezone": defaults.timezone, "holidays": defaults.holidays, "weekly": {"mon": "9:00-10:00"}}
    assert Hours.model_validate(given_).timezone == defaults.timezone


# -- what it is built on ------------------------------------------------------------------------------


def test_zones_are_known_where_the_system_has_none() -> None:
    """As on a bare Debian or Windows: the package tzdata steps in."""
    code = """
import datetime as dt, zoneinfo
zoneinfo.reset_tzpath(to=[])
from gateway.rules.hours import Hours, Weekly, next_opening
hours = Hours(timezone="Europe/Lisbon", holidays="", weekly=Weekly(mon=("09:00-10:00",)))
print(next_opening(hours, 1_790_000_000_000))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = next_opening(of("Europe/Lisbon", mon="09:00-10:00"), 1_790_000_000_000)
    assert int(done.stdout) == here
    assert zoneinfo.TZPATH or here


def test_the_calendar_is_loaded_by_those_who_have_hours_alone() -> None:
    code = """
import sys
from gateway.rules.hours import Hours, is_open
is_open(Hours(), 0)
print("holidays" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_day_is_closed_without_ranges() -> None:
    assert Weekly(mon=("09:00-10:00",)).tue == ()
