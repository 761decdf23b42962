"""Finds out what this machine offers, by trying it."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from grader.arena.languages import LANGUAGES
from grader.arena.levels import probe
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.process import needed_to_run, student_user
from grader.arena.sandbox import bubblewrap, interpreter
from grader.arena.seccomp import filter_program
from grader.arena.symbols import addr2line
from grader.evidence import kernel
from grader.evidence.abilities import abilities
from grader.evidence.machine import Machine, Place
from grader.evidence.procfs import schedstat_moves
from grader.evidence.sock_diag import SocketTable
from grader.evidence.stacks import py_spy
from grader.evidence.throttle import group_files

_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"


def detect(packages: Sequence[Path]) -> Machine:
    """Try everything once; `packages` are the folders that servers' user would have to read."""
    tried = probe()
    _, kept_root = student_user([Path(tempfile.gettempdir()), *needed_to_run(packages)])
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Machine(
        place=_place(),
        obstacle=tried.obstacle,
        apparmor=_number(_APPARMOR) == 1,
        namespaces_allowed=_number("/proc/sys/user/max_user_namespaces"),
        bubblewrap=_bubblewrap(),
        setpriv=shutil.which("setpriv") or "",
        py_spy=py_spy() or "",
        addr2line=addr2line() or "",
        abilities=tried.abilities or abilities(),
        schedstat=schedstat_moves(),
        socket_table=_has_socket_table(),
        call_filter=_filters(),
        root=os.geteuid() == 0,
        kept_root=kept_root,
        quota=quota(),
        files=files if files != resource.RLIM_INFINITY else sys.maxsize,
        tools={tool: _tool(tool) for tool in _tools()},
    )


def _tools() -> list[str]:
    built = [language.build.split()[0] for language in LANGUAGES.values() if language.build]
    named = [tool for tool in built if "{" not in tool]
    return ["python", *named, *(language.tools[0] for language in list(LANGUAGES.values())[1:] if language.tools)]


def _tool(name: str) -> str:
    return interpreter() if name == "python" else shutil.which(name) or ""


def _place() -> Place:
    if Path("/autograder/run_autograder").exists():
        return "gradescope"
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "container" if any(Path(mark).exists() for mark in _CONTAINER_MARKS) else "host"


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _bubblewrap() -> str:
    try:
        return bubblewrap()
    except ArenaUnavailableError:
        return ""


def _has_socket_table() -> bool:
    try:
        table = SocketTable()
        table.read_listeners()
        table.close()
    except OSError:
        return False
    return True


def _filters() -> bool:
    program = filter_program()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    status = 1
    try:
        kernel.no_new_privileges()
        kernel.filter_calls(program or b"")
        status = 0
    except OSError:
        status = 1
    finally:
        os._exit(status)


def quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """How many cores a CPU quota leaves us (cgroup-v2, cpu.max), None without one."""
    for file in (*group_files("cpu.max", root), root / "cpu.max"):
        try:
            most, period = file.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            continue
        return None if most == "max" else int(most) / int(period)
    return None
