"""Times, sizes, shares and points as people read them."""

from __future__ import annotations

import datetime as dt

_KIB = 1024


def number(value: float) -> str:
    """Without superfluous zeros: 12, 7.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """Seconds as `12 ms` or `1.4 s`."""
    if value < 1:
        return f"{value * 1000:.1f} ms" if value < 0.01 else f"{value * 1000:.0f} ms"  # noqa: PLR2004
    return f"{value:.1f} s"


def size(value: int) -> str:
    """Bytes as `5 B`, `12.5 KiB`, `4 MiB`."""
    if value < _KIB:
        return f"{value} B"
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


def moment(text: str) -> str:
    """A moment of UTC, in ISO 8601, as `2026-01-02 03:04 UTC`; anything else as it is."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found:%Y-%m-%d %H:%M} UTC"
