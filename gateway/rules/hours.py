"""When a queue's people and its automatic answers are at work: weekly hours, holidays and a time zone. Pure.

A range is a time of the clock on the wall: "09:00-12:00" lasts from the first moment the clock shows nine to the last
moment before it shows twelve. Where a clock is put forward or back within it, nobody comes or goes twice. A range that
crosses midnight belongs to the day it begins on, also where the day after is a holiday.

All moments are milliseconds since 1970.
"""

from __future__ import annotations

import bisect
import datetime as dt
import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from gateway.rules.language import fold, two_letters

HORIZON = dt.timedelta(days=400)
"""How far ahead an opening or a closing is looked for."""
LONGEST_NIGHT = 18 * 60
"""Minutes a range that crosses midnight may last; beyond that somebody has swapped its ends."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_RANGE = re.compile(r"\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*")


def _listed(given: Any) -> Any:
    """One text where a list may stand is a list of one."""
    return (given,) if isinstance(given, str) else given


def _date(given: Any) -> dt.date:
    """A date as TOML has it, or as text. Raises ValueError."""
    if isinstance(given, dt.date) and not isinstance(given, dt.datetime):
        return given
    try:
        return dt.date.fromisoformat(given)
    except (TypeError, ValueError):
        raise ValueError(f'{given!r} is no date: year, month and day, e.g. "2026-12-24"') from None


Ranges = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Date = Annotated[dt.date, BeforeValidator(_date)]


class Weekly(BaseModel):
    """Ranges like "09:00-12:00" for each day; a day without any is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    mon: Ranges = ()
    tue: Ranges = ()
    wed: Ranges = ()
    thu: Ranges = ()
    fri: Ranges = ()
    sat: Ranges = ()
    sun: Ranges = ()

    @field_validator(*DAYS)
    @classmethod
    def _each_is_a_range(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        for text in ranges:
            minutes_of(text)
        return ranges

    @model_validator(mode="after")
    def _none_overlap(self) -> Weekly:
        week = sorted((begin, end, name) for begin, end, name in self._of_a_week())
        if not week:
            raise ValueError('no day has a range: give one, e.g. mon = ["09:00-18:00"], or leave weekly out')
        first = week[0]
        for one, other in zip(week, [*week[1:], (first[0] + 7 * _DAY, first[1] + 7 * _DAY, first[2])], strict=True):
            if one[1] > other[0]:
                raise ValueError(f"{other[2]} overlaps {one[2]}: make them one range, or end the earlier one before")
        return self

    def _of_a_week(self) -> Iterator[tuple[int, int, str]]:
        for number, day in enumerate(DAYS):
            for text in getattr(self, day):
                begin, end = minutes_of(text)
                yield number * _DAY + begin, number * _DAY + end, f"{day} {text!r}"


class Hours(BaseModel):
    """A queue's hours. Without `weekly` it is always open."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    timezone: str = "America/Sao_Paulo"
    holidays: str = "BR-SP"
    weekly: Weekly | None = None
    closed: tuple[Date, ...] = Field((), max_length=1000)
    assistant: bool = False
    message: str = Field("", max_length=2000)
    to: str = Field("", pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = _nearest_zone(name)
            raise ValueError(f"{name!r} is no time zone{near}; names are IANA's: continent and city") from None
        return name

    @field_validator("holidays")
    @classmethod
    def _is_a_region(cls, region: str) -> str:
        if region and region not in _regions():
            raise ValueError(f"{region!r} is no region whose holidays are known{_nearest_region(region)}")
        return region

    @model_validator(mode="after")
    def _means_something(self) -> Hours:
        lost = {key for key in ("assistant", "closed", "holidays", "message", "to") if getattr(self, key)}
        given = lost & self.model_fields_set
        if given and self.weekly is None:
            raise ValueError(
                f"{min(given)} does nothing without weekly, for then the queue is always open: give the days, "
                'e.g. weekly.mon = ["09:00-18:00"]; "00:00-24:00" is a whole day'
            )
        return self


class Closed(NamedTuple):
    why: Literal["holiday", "weekday", "time"]
    """A holiday or one of `closed`; a day of the week without hours; the wrong time of an open day."""
    name: str = ""
    """The holiday's, where `why` is one and the calendar knows it."""


def is_open(hours: Hours, at_ms: int) -> bool:
    """Whether the queue works at that moment. Always, without weekly hours."""
    return hours.weekly is None or _span_at(hours, at_ms) is not None


def next_opening(hours: Hours, at_ms: int) -> int | None:
    """From when on it is open: `at_ms` itself when it is open then. None: not within 400 days."""
    if is_open(hours, at_ms):
        return at_ms
    return next((begin for _, begin, _ in _spans(hours, at_ms) if begin > at_ms), None)


def next_closing(hours: Hours, at_ms: int) -> int | None:
    """From when on it is closed: `at_ms` itself when it is closed then. None: not within 400 days."""
    now = _span_at(hours, at_ms)
    if hours.weekly is None or now is None:
        return None if hours.weekly is None else at_ms
    until = now[1]
    for _, begin, end in _spans(hours, at_ms):
        if begin > until:
            return until
        until = max(until, end)
    return None


def next_business_day(hours: Hours, at_ms: int) -> int:
    """Where the next range begins that belongs to a later calendar day of the queue's zone.

    Without weekly hours that is the next midnight. Where 400 days are closed, it is their end.
    """
    today = _local(hours, at_ms).date()
    if hours.weekly is None:
        return _moment(today + dt.timedelta(days=1), 0, ZoneInfo(hours.timezone), last=False)
    later = (begin for day, begin, _ in _spans(hours, at_ms) if day > today and begin > at_ms)
    return next(later, at_ms + int(HORIZON.total_seconds() * 1000))


def why_closed(hours: Hours, at_ms: int, language: str = "") -> Closed | None:
    """Why nobody works at that moment; None: somebody does.

    `language`: BCP 47, in which a holiday is named where the calendar can; otherwise the country's own.
    """
    if hours.weekly is None or is_open(hours, at_ms):
        return None
    day = _local(hours, at_ms).date()
    if (name := _holiday(hours.holidays, day, language)) or day in hours.closed:
        return Closed("holiday", name)
    return Closed("time" if _ranges_on(hours.weekly, day) else "weekday")


# -- from a calendar to moments -----------------------------------------------------------------------


def minutes_of(text: str) -> tuple[int, int]:
    """Begin and end in minutes since midnight; beyond 1440 on the day after. Raises ValueError with the cure.

    >>> minutes_of("18:00-02:00"), minutes_of("00:00-24:00")
    ((1080, 1560), (0, 1440))
    """
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no range: from and to, 00:00 to 24:00, e.g. "09:00-18:00"')
    begin, end = _minute(found[1], found[2], text), _minute(found[3], found[4], text)
    if begin in (end, _DAY):
        raise ValueError(f'{text!r} is empty: a whole day is "00:00-24:00"; leave a closed day out')
    if begin > end and end + _DAY - begin > LONGEST_NIGHT:
        raise ValueError(
            f"{text!r} ends before it begins; over midnight it would last {(end + _DAY - begin) / 60:g} hours: swap "
            "its ends, or write it as two ranges, until 24:00 and from 00:00"
        )
    return begin, end if end > begin else end + _DAY


def _minute(hour: str, minute: str, text: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > _DAY:
        raise ValueError(f"{text!r} has a time no clock shows: {hour}:{minute}; times are 00:00 to 24:00")
    return minutes


def _span_at(hours: Hours, at_ms: int) -> tuple[int, int] | None:
    if hours.weekly is None:
        return None
    around = _spans(hours, at_ms, days=1)
    return next(((begin, end) for _, begin, end in around if begin <= at_ms < end), None)


def _spans(hours: Hours, at_ms: int, days: int = HORIZON.days) -> Iterator[tuple[dt.date, int, int]]:
    """(day, begin, end) of every range near a moment and until so many days after it, in order.

    From two days back, for a night's end; and at least to the day after: a clock put back at midnight shows it twice.
    """
    today, zone = _local(hours, at_ms).date(), ZoneInfo(hours.timezone)
    for offset in range(-2, days + 1):
        day = today + dt.timedelta(days=offset)
        for start, stop in _open_on(hours, day) if _was(day, zone) else ():
            begin, end = _moment(day, start, zone, last=False), _moment(day, stop, zone, last=True)
            if begin < end:
                yield day, begin, end


def _open_on(hours: Hours, day: dt.date) -> tuple[tuple[int, int], ...]:
    ranges = _ranges_on(hours.weekly, day) if hours.weekly else ()
    away = ranges and (day in hours.closed or _holiday(hours.holidays, day))
    return () if away else ranges


@lru_cache(maxsize=512)
def _ranges_on_weekday(texts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(map(minutes_of, texts)))


def _ranges_on(weekly: Weekly, day: dt.date) -> tuple[tuple[int, int], ...]:
    return _ranges_on_weekday(getattr(weekly, DAYS[day.weekday()]))


def _local(hours: Hours, at_ms: int) -> dt.datetime:
    """What the clock on the wall shows, with its zone."""
    return dt.datetime.fromtimestamp(at_ms / 1000, ZoneInfo(hours.timezone))


def _moment(day: dt.date, minutes: int, zone: ZoneInfo, *, last: bool) -> int:
    """When the clock shows a time for the first (or last) time; a time that is skipped: when it is skipped."""
    wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minutes)
    early, late = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if early > late:  # the clock is put forward over this time, somewhere between the two
        shows = range(late, early + 1)
        passed = bisect.bisect_left(shows, wall, key=lambda at: _wall(at, zone))
        return shows[passed] * 1000
    if last and early < late:  # shown twice: until the last moment before it, which may have been before the first time
        return (int((wall - dt.timedelta(seconds=1)).replace(tzinfo=zone, fold=1).timestamp()) + 1) * 1000
    return early * 1000


def _was(day: dt.date, zone: ZoneInfo) -> bool:
    """Samoa had no 30 December 2011: nobody came to work on it, nor stayed over midnight."""
    return _wall(_moment(day, 0, zone, last=False) // 1000, zone).date() == day


def _wall(at: int, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, zone).replace(tzinfo=None)


# -- holidays and names, as others keep them ----------------------------------------------------------


def _holiday(region: str, day: dt.date, language: str = "") -> str:
    """The name of a day's holiday in that region, "" when it is none."""
    return _year(region, day.year, language).get(day, "") if region else ""


@lru_cache(maxsize=256)
def _year(region: str, year: int, language: str) -> Mapping[dt.date, str]:
    from holidays import country_holidays

    country, _, part = region.partition("-")
    known = country_holidays(country, subdiv=part or None)
    tongue = _tongue(language, known.supported_languages) or known.default_language
    return dict(country_holidays(country, subdiv=part or None, years=year, language=tongue))


def _tongue(language: str, spoken: tuple[str, ...]) -> str:
    """The calendar's tag for a language, `pt_PT` for `pt-BR` where it has no other; without any it asks the system."""
    alike = [tag for tag in spoken if two_letters(tag) == two_letters(language)]
    return next((tag for tag in alike if tag.replace("_", "-") == language), alike[0] if alike else "")


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    """`BR`, `BR-SP`, …"""
    from holidays import list_supported_countries

    known = list_supported_countries(include_aliases=False)
    return frozenset(known) | {f"{country}-{part}" for country, parts in known.items() for part in parts}


def _nearest_region(wrong: str) -> str:
    country, _, part = wrong.replace("_", "-").upper().partition("-")
    if f"{country}-{part}".strip("-") in _regions():
        return f"; did you mean {f'{country}-{part}'.strip('-')!r}?"
    parts = sorted(region for region in _regions() if region.startswith(f"{country}-"))
    near = [region for region in parts if part and region.startswith(f"{country}-{part[0]}")] or parts
    if near:
        return f"; there are {', '.join(near)}"
    named = _country(wrong)
    return f"; did you mean {named!r}?" if named else '; a country\'s two letters, and its part: "BR", "BR-SP"'


def _country(wrong: str) -> str:
    """By its three letters or its English name; "" when there is none like it."""
    from holidays.registry import COUNTRIES

    codes = {fold(name): names[1] for entry, names in COUNTRIES.items() for name in (entry, *names[2:3])}
    near = difflib.get_close_matches(fold(wrong).replace(" ", "_"), codes, 1, 0.8)
    return codes[near[0]] if near else ""


def _nearest_zone(wrong: str) -> str:
    """By its whole name, else by its city."""
    zones = {fold(zone): zone for zone in sorted(available_timezones()) if "/" in zone and not zone.startswith("Etc/")}
    cities = {zone.rpartition("/")[2]: zone for zone in zones}
    meant = fold(wrong).replace(" ", "_")
    whole = difflib.get_close_matches(meant, zones, 1, 0.8)
    city = difflib.get_close_matches(meant.rpartition("/")[2], cities, 1, 0.75)
    near = whole or [cities[name] for name in city]
    return f"; did you mean {zones[near[0]]!r}?" if near else ', e.g. "America/Sao_Paulo"'
