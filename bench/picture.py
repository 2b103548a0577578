"""Lines on two axes as SVG, to be read on a light page and on a dark one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

WIDE, HIGH = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 56, 56
NAME = 110
"""How wide a line's name is at most."""
COLOURS = (("#3b78c4", "#6ba4e6"), ("#c2761b", "#d99a4e"), ("#3b8f55", "#6cc086"), ("#8a4fb0", "#c08be0"))
"""Of a light and of a dark page."""
STYLE = """
    .page { fill: #ffffff; } .axis { stroke: #6b7280; } .grid { stroke: #e5e7eb; }
    text { font-family: sans-serif; font-size: 12.5px; fill: #4b5563; }
    .b { font-size: 14px; font-weight: bold; fill: #1f2937; }
    polyline { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .dashed { stroke-dasharray: 6 4; }"""
DARK = """
      .page { fill: #14181f; } .axis { stroke: #9aa3b2; } .grid { stroke: #2a303a; }
      text { fill: #b4bccb; } .b { fill: #e5e9f0; }"""


@dataclass(frozen=True, slots=True)
class Picture:
    """`lines` by what they are called; two whose names begin with the same word share a colour, and the second of
    them is dashed. The axes run over powers of ten where the largest value is fifty times the smallest."""

    name: str
    """Of the file, without its ending."""
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[Point]]
    steep: bool = False
    """Upwards over powers of ten in any case."""


@dataclass(frozen=True, slots=True)
class Axis:
    low: float
    high: float
    powers: bool

    def at(self, value: float) -> float:
        """0 at its beginning, 1 at its end."""
        if self.powers:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def marks(self) -> Sequence[float]:
        if self.powers:
            powers = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        step = self.high / 5
        return [self.low + step * n for n in range(6)]


def axis(values: Sequence[float], steep: bool = False) -> Axis:
    """Over positive values: from a power of ten to another, or from 0 to a round number."""
    low, high = min(values), max(values)
    if low > 0 and (steep or high >= 50 * low):
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return Axis(10.0**first, 10.0 ** max(last, first + 1), powers=True)
    return Axis(0.0, _round(high or 1.0), powers=False)


def _round(value: float) -> float:
    """The next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999)


def svg(picture: Picture) -> str:
    """The file's text."""
    points = [point for line in picture.lines.values() for point in line]
    across, up = axis([x for x, _ in points]), axis([y for _, y in points], picture.steep)
    parts = "\n  ".join([*_frame(picture, across, up), *_lines(picture, across, up)])
    size = f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
    light, dark = (_painted([pair[page] for pair in COLOURS]) for page in (0, 1))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t d">
  <title id="t">{escape(picture.title)}</title>
  <desc id="d">{escape(_told(picture))}</desc>
  <style>{STYLE}
    {light}
    @media (prefers-color-scheme: dark) {{{DARK}
      {dark}
    }}
  </style>
  {parts}
</svg>
"""


def _painted(colours: Sequence[str]) -> str:
    return " ".join(f".c{n} {{ stroke: {one}; }} .d{n} {{ fill: {one}; }}" for n, one in enumerate(colours))


def _told(picture: Picture) -> str:
    """For whoever cannot see it."""
    lines = (
        f"{name}: " + ", ".join(f"{number(x)} {picture.x}, {number(y)} {picture.y}" for x, y in points)
        for name, points in picture.lines.items()
    )
    return "; ".join(lines)


def _frame(picture: Picture, across: Axis, up: Axis) -> Iterator[str]:
    right, bottom = WIDE - RIGHT, HIGH - BOTTOM
    yield f'<rect class="page" width="{WIDE}" height="{HIGH}" rx="8"/>'
    yield f'<text x="24" y="32" class="b">{escape(picture.title)}</text>'
    for value in up.marks:
        y = _y(up, value)
        yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
    for value in across.marks:
        x = _x(across, value)
        yield f'<line class="axis" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 5}"/>'
        yield f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{number(value)}</text>'
    yield f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    yield f'<text x="{(LEFT + right) / 2}" y="{HIGH - 14}" text-anchor="middle">{escape(picture.x)}</text>'
    middle = (TOP + bottom) / 2
    yield f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">{escape(picture.y)}</text>'


def _lines(picture: Picture, across: Axis, up: Axis) -> Iterator[str]:
    words = list(dict.fromkeys(name.split()[0] for name in picture.lines))
    seen: set[str] = set()
    ends: list[Point] = []
    for name, points in picture.lines.items():
        word = name.split()[0]
        colour, dashed = words.index(word) % len(COLOURS), " dashed" if word in seen else ""
        seen.add(word)
        places = [(_x(across, x), _y(up, y)) for x, y in points]
        joined = " ".join(f"{x},{y}" for x, y in places)
        yield f'<polyline class="c{colour}{dashed}" points="{joined}"/>'
        yield from (f'<circle class="d{colour}" cx="{x}" cy="{y}" r="3"/>' for x, y in places)
        ends.append(_apart((places[-1][0] + 9, places[-1][1] + 4), ends))
        yield f'<text class="d{colour}" x="{ends[-1][0]:.1f}" y="{ends[-1][1]:.1f}">{escape(name)}</text>'


def _apart(place: Point, taken: Sequence[Point]) -> Point:
    """Where it hides no other name."""
    x, y = place
    while any(abs(x - other) < NAME and abs(y - beside) < 15 for other, beside in taken):
        y -= 1
    return x, y


def _x(across: Axis, value: float) -> float:
    return round(LEFT + across.at(value) * (WIDE - RIGHT - LEFT), 1)


def _y(up: Axis, value: float) -> float:
    return round(HIGH - BOTTOM - up.at(value) * (HIGH - BOTTOM - TOP), 1)


def number(value: float) -> str:
    """As a person writes it: 0.25, 3.5, 40, 1,200."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
