"""What an arena offers to whoever starts servers in it, at either level of isolation."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.arena.namespaces import new_network
from grader.arena.server import Starter, start
from grader.arena.unsandboxed import start_unsandboxed
from grader.report.model import Isolation


@dataclass(frozen=True, slots=True)
class Ground:
    """One arena: its level, the folder for its files, how to start a server, and how to get a fresh network.

    `obstacle` is what kept this machine from level `namespaces`, and `kept_root` from running servers as another user
    than root. `port_moved`: somebody else has the spec's port, so another one is offered.
    """

    isolation: Isolation
    workspace: Path
    start: Starter
    renew: Callable[[], None]
    used: Callable[[], int]
    obstacle: str = ""
    kept_root: str = ""
    port_moved: bool = False

    @property
    def shared(self) -> bool:
        """Whether its network is that of the machine."""
        return self.isolation == "process"


def in_namespaces(workspace: Path) -> Ground:
    """The ground of a child of `run_isolated`."""
    return Ground("namespaces", workspace, start, new_network, lambda: _used_space(workspace))


def beside_others(workspace: Path, obstacle: str, kept_root: str, *, port_moved: bool) -> Ground:
    """The ground of a child of `run_beside`."""
    return Ground(
        "process",
        workspace,
        start_unsandboxed,
        lambda: None,
        lambda: _size_of_files(workspace),
        obstacle,
        kept_root,
        port_moved,
    )


def _used_space(folder: Path) -> int:
    about = os.statvfs(folder)
    return (about.f_blocks - about.f_bfree) * about.f_frsize


def _size_of_files(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{place}/{name}").st_blocks * 512
    return total
