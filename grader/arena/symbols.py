"""What the addresses of a compiled program are called in its source, as addr2line (binutils) tells it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.arena.sandbox import in_system
from grader.evidence.records import Frame

_ADDRESS = re.compile(r"^0x[0-9a-f]+$")
_PLACE = re.compile(r"^(?P<file>.+):(?P<line>\d+)(?: \(discriminator \d+\))?$")


def addr2line() -> str | None:
    """The path of addr2line; None where there is none in what every sandbox shows."""
    found = shutil.which("addr2line")
    return found if found and Path(found).is_absolute() and in_system(Path(found)) else None


def asking(program: str, addresses: Sequence[int]) -> tuple[str, ...]:
    """The command that tells it, for the sandbox, because the program is the submission's; () if it cannot be told."""
    tool = addr2line()
    return (tool, "-a", "-f", "-C", "-i", "-e", program, *map(hex, addresses)) if tool else ()


def frames(output: str, folders: Sequence[str]) -> list[tuple[Frame, ...]]:
    """For each address the functions that it lies in, those that were inlined first; () where that is not known.

    What lies in one of `folders` is the submission's own.
    """
    found: list[list[str]] = []
    for line in output.splitlines():
        if _ADDRESS.match(line):
            found.append([])
        elif found:
            found[-1].append(line)
    return [tuple(_frames(lines, folders)) for lines in found]


def _frames(lines: Sequence[str], folders: Sequence[str]) -> Iterator[Frame]:
    for function, place in zip(lines[::2], lines[1::2], strict=False):
        if (where := _PLACE.match(place)) and int(where["line"]):
            folder = next((f"{one}/" for one in folders if where["file"].startswith(f"{one}/")), "")
            yield Frame(function, where["file"].removeprefix(folder), int(where["line"]), own=bool(folder))
