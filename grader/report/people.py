"""Times, sizes, shares and points as people read them, to be told in any language."""

from __future__ import annotations

import datetime as dt

from grader.words import mark, said, say

_KIB = 1024
_MOST_SHOWN = 40_000
_MONTHS = (
    mark("January"),
    mark("February"),
    mark("March"),
    mark("April"),
    mark("May"),
    mark("June"),
    mark("July"),
    mark("August"),
    mark("September"),
    mark("October"),
    mark("November"),
    mark("December"),
)


def number(value: float) -> str:
    """Without superfluous zeros: 12, 7.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """Seconds as `12 ms` or `1.4 s`."""
    if value < 1:
        short = value < 0.01  # noqa: PLR2004
        return say("{value:.1f} ms", value=value * 1000) if short else say("{value:.0f} ms", value=value * 1000)
    return say("{value:.1f} s", value=value)


def size(value: int) -> str:
    """Bytes as `5 B`, `12.5 KiB`, `4 MiB`."""
    if value < _KIB:
        return say("{value} B", value=value)
    scaled, unit = float(value), "B"
    for name in ("KiB", "MiB", "GiB"):
        scaled, unit = scaled / _KIB, name
        if round(scaled, 1) < _KIB:
            break
    return f"{number(round(scaled, 1))} {unit}"


def percent(share: float) -> str:
    """A share as `37%`; neither nothing nor everything is said of what is only nearly so."""
    if 0 < share < 0.01:  # noqa: PLR2004
        return "<1%"
    return "99%" if 0.99 < share < 1 else f"{share * 100:.0f}%"  # noqa: PLR2004


def counted(count: int, one: str) -> str:
    """How many there are of something, in English: `1 client`, `1,100 clients`; for exports, which are in no other."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def moment(iso: str) -> str:
    """A moment as `2 January 2026, 03:04 UTC`; as it is where it is written in another way than ISO 8601."""
    try:
        found = dt.datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone, month = f" {found.tzname()}" if found.tzinfo else "", said(_MONTHS[found.month - 1])
    time = f"{found:%H:%M}"
    return say("{day} {month} {year}, {time}{zone}", day=found.day, month=month, year=found.year, time=time, zone=zone)


def excerpt(text: str) -> str:
    """A text that is too long to show without its middle, and with a notice of how much that is."""
    left_out = len(text) - _MOST_SHOWN
    if left_out <= 0:
        return text
    half = _MOST_SHOWN // 2
    notice = say("[... {count:,} characters not shown here ...]", count=left_out)
    return say("{head}\n{notice}\n{tail}", head=text[:half], notice=notice, tail=text[-half:])


def clock(ms: float) -> str:
    """A point in the time of one check: `12.3 ms`, `1.245 s`."""
    if ms < 1000:  # noqa: PLR2004
        return say("{at:.1f} ms", at=ms)
    return say("{at:.3f} s", at=ms / 1000) if ms < 10_000 else say("{at:.1f} s", at=ms / 1000)  # noqa: PLR2004
