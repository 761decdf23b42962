"""Quantities as people write them in a spec: `5%`, `200 ms`, `256 MiB`. The unit is never left out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ%]+)\s*", re.ASCII)
_TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_SIZES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}  # fmt: skip


def _quantity(value: Any, units: dict[str, float] | dict[str, int], example: str) -> float:
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if not match or match[2] not in units:
        raise ValueError(f"write a number and its unit ({', '.join(units)}), such as {example}")
    found = float(match[1]) * units[match[2]]
    if not math.isfinite(found):
        raise ValueError(f"that is too large; write something such as {example}")
    return found


def parse_percent(value: Any) -> float:
    """`"5%"` to 0.05. Raises ValueError with what would be right."""
    return _quantity(value, {"%": 0.01}, "5%")


def parse_duration(value: Any) -> float:
    """`"200 ms"` to 0.2 seconds. Raises ValueError with what would be right."""
    return _quantity(value, _TIMES, "200 ms")


def parse_size(value: Any) -> int:
    """`"256 MiB"` to bytes. Raises ValueError with what would be right."""
    return round(_quantity(value, _SIZES, "256 MiB"))


def _schema(example: str, units: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": rf"^\s*[0-9]+(\.[0-9]+)?\s*({units})\s*$", "examples": [example]}
    )


def write_percent(value: float) -> str:
    """0.05 to `"5%"`, as `parse_percent` reads it."""
    return f"{value * 100:.6g}%"


def write_duration(value: float) -> str:
    """0.2 seconds to `"200 ms"`, as `parse_duration` reads it."""
    return f"{value:.6g} s" if value >= 1 or not value else f"{value * 1e3:.6g} ms"


def write_size(value: int) -> str:
    """Bytes to `"256 MiB"`, as `parse_size` reads it; nothing is rounded."""
    unit = next(name for name in ("GiB", "MiB", "KiB", "B") if not value % _SIZES[name])
    return f"{value // _SIZES[unit]} {unit}" if value else "0 B"


def _written(write: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(write, return_type=str, when_used="json")


Percent = Annotated[float, BeforeValidator(parse_percent), _written(write_percent), _schema("5%", "%")]
"""A share, written in percent; a fraction of 1 in Python."""

Duration = Annotated[
    float, BeforeValidator(parse_duration), _written(write_duration), _schema("200 ms", "us|ms|s|min|h")
]
"""A time; seconds in Python."""

Size = Annotated[
    int, BeforeValidator(parse_size), _written(write_size), _schema("256 MiB", "B|kB|KB|MB|GB|KiB|MiB|GiB")
]
"""An amount of memory or data; bytes in Python."""
