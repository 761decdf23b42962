"""What a machine offers to a grader, as a frozen record: found once, judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from grader.evidence.abilities import Abilities

Place = Literal["host", "container", "github", "gradescope"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything that `grader doctor` looks at.

    `place` is where this seems to be. `obstacle` says why an arena in namespaces cannot be made, "" if it can.
    `apparmor` and `namespaces_allowed` are the sysctls kernel.apparmor_restrict_unprivileged_userns and
    user.max_user_namespaces (None where there is none). `bubblewrap`, `setpriv`, `py_spy` and `addr2line` are paths, ""
    if absent. `abilities`, `schedstat` and `socket_table` are what the kernel tells of a server. `root`: the grader is;
    `kept_root` then says why servers cannot be run as somebody else. `quota` is in cores, None without one; `files` the
    most descriptors that a process may have. `tools` are the programs for each language with their paths, "" if absent.
    """

    place: Place = "host"
    obstacle: str = ""
    apparmor: bool = False
    namespaces_allowed: int | None = None
    bubblewrap: str = "/usr/bin/bwrap"
    setpriv: str = "/usr/bin/setpriv"
    py_spy: str = "/usr/bin/py-spy"
    addr2line: str = "/usr/bin/addr2line"
    abilities: Abilities = field(default_factory=Abilities)
    schedstat: bool = True
    socket_table: bool = True
    call_filter: bool = True
    root: bool = False
    kept_root: str = ""
    quota: float | None = None
    files: int = 1 << 20
    tools: Mapping[str, str] = field(default_factory=dict)
