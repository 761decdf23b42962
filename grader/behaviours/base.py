"""What a behaviour is, and how one is found by name."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import ClassVar

from grader.judgement.finding import Finding
from grader.spec import CheckFields
from grader.stage import Stage

ENTRY_POINT_GROUP = "grader.behaviours"


class Behaviour(CheckFields):
    """One thing that a server must do: its parameters are its fields, its documentation is its docstring."""

    name: ClassVar[str]

    @abstractmethod
    def check(self, stage: Stage) -> Finding:
        """Drive clients and say what was found.

        Raises:
            CheckFailed: the server does not do it; carries the finding.
        """


@functools.cache
def catalogue() -> Mapping[str, type[Behaviour]]:
    """Every behaviour by name: the bundled ones, and those that installed packages offer as entry points."""
    from grader.behaviours import flow, leaving, model, queueing, resources, serving  # noqa: PLC0415 - they import this module

    bundled = [kind for module in (serving, queueing, leaving, flow, resources, model) for kind in module.BEHAVIOURS]
    offered = [point.load() for point in entry_points(group=ENTRY_POINT_GROUP)]
    return {kind.name: kind for kind in (*bundled, *offered)}


def message(number: int, size: int = 0) -> bytes:
    """A request like no other, of at least `size` bytes, ending in a newline for servers that read lines."""
    line = f"client {number} says: the quick brown fox jumps over the lazy dog\n".encode()
    if size <= len(line):
        return line
    # Numbered blocks: a lost, doubled or swapped stretch shows, whatever its length.
    blocks = b"".join(b"%08x-abcdefghijklmnopqrstuvw-" % index for index in range(size // 33 + 1))
    return blocks[: size - len(line)] + line
