"""The lower level of isolation: no namespaces, only processes of ours (where this machine forbids namespaces).

Two processes stand between the grader and a server. The examiner plays the clients and judges; the keeper does
nothing but wait. When the examiner ends, or the grader does, the keeper kills whatever descends from it and removes the
folder. Both adopt orphans (prctl(2), PR_SET_CHILD_SUBREAPER), so nobody gets away by losing a parent.

A grader that runs as root turns examiner and servers into a user without rights, while the keeper stays root. The
examiner may not be read by processes of that same user, so a server can take nothing from it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from grader.arena.namespaces import ArenaUnavailableError
from grader.evidence import kernel
from grader.evidence.tree import descendants
from grader.words import Said, say

NOBODY = 65534
_FAILED, _REFUSED = 70, 71
_STOPS = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT}


def run_beside(
    body: Callable[[], None], workspace: Path, refused: Callable[[Said], None], user: int | None = None
) -> int:
    """Fork a keeper, whose child runs `body`; returns the keeper's process id.

    SIGTERM makes the keeper end everything below it and remove `workspace`; so does the death of the caller. `user` is
    whom the child becomes first, if anybody. `refused` is called with the reason if this machine does not allow it.
    """
    parent = os.getpid()
    keeper = os.fork()
    if keeper:
        return keeper
    status = _FAILED
    try:
        status = _keep(parent, body, workspace, refused, user)
    except BaseException:  # noqa: BLE001 - a forked child must not return into its parent's code
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _keep(
    parent: int, body: Callable[[], None], workspace: Path, refused: Callable[[Said], None], user: int | None
) -> int:
    awaited = {*_STOPS, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    kernel.die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        return _FAILED  # it was gone before we asked
    kernel.adopt_orphans()
    examiner = os.fork()
    if not examiner:
        _examine(os.getppid(), body, refused, user)
    status = None
    while status is None:
        number = signal.sigwait(awaited)
        if number in {signal.SIGTERM, signal.SIGHUP}:
            break
        status = _reap(examiner)
    end_descendants()
    remove_tree(workspace)
    return _FAILED if status is None else os.waitstatus_to_exitcode(status) & 0xFF


def _reap(awaited: int) -> int | None:
    """Take every child that has ended; the status of the one that is awaited, if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == awaited:
                found = ended[1]
    return found


def _examine(keeper: int, body: Callable[[], None], refused: Callable[[Said], None], user: int | None) -> NoReturn:
    status = _FAILED
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_STOPS, signal.SIGCHLD})
        if user is not None:
            become(user)
        kernel.let_read(allowed=False)
        kernel.die_with_parent()
        if os.getppid() == keeper:
            kernel.adopt_orphans()
            body()
            status = 0
    except ArenaUnavailableError as error:
        refused(error.told)
        status = _REFUSED
    except BaseException:  # noqa: BLE001 - as above
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def become(user: int) -> None:
    """Be that user and group, and no other, for good."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def end_descendants() -> None:
    """Kill and reap every process below this one, however fast they make new ones."""
    spared: set[int] = set()
    while below := [pid for pid in descendants(os.getpid()) if pid not in spared]:
        # Who is stopped makes no more children, so this comes to an end.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in below:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
                except PermissionError:
                    spared.add(pid)
        for pid in set(below) - spared:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, also where its owner has taken away the right to."""

    def allow(function: Callable[..., object], path: str, _: object) -> None:
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(0o700)
            if Path(path).is_dir() and not Path(path).is_symlink():
                Path(path).chmod(0o700)
            function(path)

    for _ in range(3):
        shutil.rmtree(folder, onerror=allow)
        if not folder.exists():
            return


def student_user(needed: Iterable[Path]) -> tuple[int | None, str]:
    """The user to run as in place of root, or why there is none; (None, "") for a grader that is not root."""
    if os.geteuid() != 0:
        return None, ""
    child = os.fork()
    if not child:
        status = 1
        try:
            become(NOBODY)
            status = 0 if all(os.access(path, os.R_OK | os.X_OK) for path in needed) else 2
        except OSError:
            status = 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    name = _name_of(NOBODY)
    reasons = {0: "", 2: say("{user} may not read this Python, or the grader", user=name)}
    reason = reasons.get(status, say("the grader may not become {user}", user=name))
    return (None, reason) if reason else (NOBODY, "")


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return say("user {number}", number=user)


def needed_to_run(packages: Iterable[Path]) -> list[Path]:
    """What another user must be able to read: this Python and its library, and the grader's own packages."""
    return [Path(sys.executable), Path(os.__file__).parent, *packages]


def processes_of(user: int) -> int:
    """How many processes and threads a user has on this machine: what RLIMIT_NPROC counts (getrlimit(2))."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                if Path("/proc", name).stat().st_uid == user:
                    count += len(os.listdir(f"/proc/{name}/task"))
    return count


def process_limit(wanted: int) -> int:
    """RLIMIT_NPROC that leaves room for `wanted` beside what the same user runs already."""
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    total = processes_of(os.geteuid()) + wanted
    return total if hard == resource.RLIM_INFINITY else min(total, hard)
