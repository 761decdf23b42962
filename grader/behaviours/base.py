"""What a behaviour is, and how one is found by name."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import ClassVar

from grader.behaviours.hands import Shown
from grader.judgement.finding import Finding
from grader.spec import CheckFields
from grader.stage import Stage

ENTRY_POINT_GROUP = "grader.behaviours"


class Behaviour(CheckFields):
    """One thing that a server must do: its parameters are its fields, its documentation is its docstring."""

    fresh: ClassVar[bool] = False
    """Whether it needs a server that nobody has talked to yet, in a network that nobody has used."""

    @abstractmethod
    def check(self, stage: Stage) -> Finding:
        """Drive clients and say what was found.

        Raises:
            CheckFailed: the server does not do it; carries the finding.
        """

    def by_hand(self) -> Shown | None:
        """How a person sees the same by hand, with the reference clients; None where that is not to be had."""
        return None


@functools.cache
def catalogue() -> Mapping[str, type[Behaviour]]:
    """Every behaviour by name: the bundled ones, and those that installed packages offer as entry points."""
    from grader.behaviours import (  # noqa: PLC0415 - they import this module
        chat,
        flow,
        leaving,
        life,
        many,
        model,
        queueing,
        resources,
        serving,
        speed,
        story,
    )  # fmt: skip

    families = (serving, many, queueing, leaving, flow, resources, life, model, speed, chat, story)
    bundled = [kind for module in families for kind in module.BEHAVIOURS]
    offered = [point.load() for point in entry_points(group=ENTRY_POINT_GROUP)]
    return {kind.name: kind for kind in (*bundled, *offered)}
