"""Which level of isolation a machine allows: found by trying it, once in each process."""

from __future__ import annotations

import functools
import json
import os
import select
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from grader.arena.namespaces import ArenaUnavailableError, run_isolated, workspace
from grader.arena.sandbox import Bounds, Program, environment, needed_paths
from grader.arena.server import run_to_end
from grader.evidence.abilities import Abilities, abilities
from grader.report.model import Isolation
from grader.report.told import from_json, messages_in, remembered, to_json
from grader.words import Said, say

Level = Literal["auto", "namespaces", "process"]
_PATIENCE = 20.0


def choose(wanted: Level) -> tuple[Isolation, str]:
    """The level to grade at, and what stood in the way of a higher one, "" if nothing did.

    Raises:
        ArenaUnavailableError: `namespaces` are wanted, and not to be had.
    """
    if wanted == "process":
        return "process", ""
    reason = obstacle()
    if not reason:
        return "namespaces", ""
    if wanted == "namespaces":
        words = say("isolation namespaces is not to be had: {why} (grader doctor says more)", why=reason)
        raise ArenaUnavailableError(words)
    return "process", reason


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of trying: why there is no arena in namespaces, "" if there is, and what is seen of servers in it."""

    obstacle: str
    abilities: Abilities | None = None


def obstacle() -> str:
    """What keeps this machine from level `namespaces`, "" if nothing does."""
    return probe().obstacle


@functools.cache
def probe() -> Probe:
    """Make an arena, and run a program in its sandbox."""
    listening, telling = os.pipe()
    needed = needed_paths()

    def tell(**what: object) -> None:
        os.write(telling, (json.dumps(what) + "\n").encode())

    def body() -> None:
        _try_sandbox(workspace(needed))
        tell(abilities=asdict(abilities()))

    def refused(reason: Said) -> None:
        tell(obstacle=reason, messages=to_json(messages_in([reason])))

    child = run_isolated(body, needed, refused)
    os.close(telling)
    with os.fdopen(listening, "rb") as told:
        heard = told.readline() if select.select([told], [], [], _PATIENCE)[0] else b""
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    if not heard:
        return Probe(say("the arena ended, or did nothing, before it told anything"))
    found = json.loads(heard)
    if "obstacle" in found:
        return Probe(remembered(from_json(found["messages"]))(found["obstacle"]))
    return Probe("", Abilities(**found["abilities"]))


def _try_sandbox(place: Path) -> None:
    folder, scratch = place / "try", place / "scratch"
    folder.mkdir()
    program = Program(("true",), environment(0, {}))
    bounds = Bounds(files=64, processes=64, address_space=-1)
    status, output = run_to_end(folder, scratch, program, bounds, _PATIENCE)
    if status:
        last = (output.strip().splitlines() or [say("status {status}", status=status)])[-1]
        raise ArenaUnavailableError(say("this machine does not let the sandbox run ({error})", error=last))
    if status is None:
        raise ArenaUnavailableError(say("this machine did not run the sandbox to its end"))
