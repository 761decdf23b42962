"""The ground that one submission is graded on: a child process in namespaces of its own, as their process 1.

In it the grader has a network with nothing but loopback, a `/proc` that shows nothing but this submission, and a
tmpfs that vanishes with it. When it ends, however it ends, the kernel ends every process in it (pid_namespaces(7)).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import struct
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from grader.evidence import kernel
from grader.words import Said, ToldError, listed, say

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 2, 4, 1 << 14, 1 << 18
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

STUDENT = 1000
"""The user that a server runs as when the grader is root: a host user without any rights of its own (nobody)."""
_NOBODY = 65534
_TABLE_SIZE = Path("/proc/sys/net/ipv4/tcp_child_ehash_entries")
_FAILED, _REFUSED = 70, 71
_WORKSPACES = ("/mnt", "/media", "/srv", "/opt", "/tmp")  # noqa: S108 - mount points, nothing is written there


class ArenaUnavailableError(ToldError):
    """This machine refuses what the arena needs; the message says what, and how to get it."""


def run_isolated(body: Callable[[], None], needed: Iterable[Path], refused: Callable[[Said], None]) -> int:
    """Fork a child that runs `body` as process 1 of new namespaces; returns the child's process id.

    The child ends with status 0, 70 if `body` raised, 71 if this machine refuses an arena; then it has called
    `refused` with the reason. `needed` are paths that must stay visible. Killing the child, or the death of the
    caller, ends everything in the arena; on SIGTERM the child ends after everything in the arena has.
    """
    parent = os.getpid()
    ready, tell_ready = os.pipe()
    mapped, tell_mapped = os.pipe()
    child = os.fork()
    if not child:
        os.close(ready)
        os.close(tell_mapped)
        _run_child(parent, (tell_ready, mapped), body, [path.resolve() for path in needed], refused)
    os.close(tell_ready)
    os.close(mapped)
    try:
        if os.read(ready, 1):
            os.write(tell_mapped, b"y" if _map_two_users(child) else b"n")
    finally:
        os.close(ready)
        os.close(tell_mapped)
    return child


def _run_child(
    parent: int,
    pipes: tuple[int, int],
    body: Callable[[], None],
    needed: list[Path],
    refused: Callable[[Said], None],
) -> NoReturn:
    status = _FAILED
    try:
        _follow(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
        _enter_namespaces(*pipes)
        status = _as_first_process(body, needed)
    except ArenaUnavailableError as error:
        refused(error.told)
        status = _REFUSED
    except BaseException:  # noqa: BLE001 - a forked child must not return into its parent's code
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _follow(parent: int) -> None:
    kernel.die_with_parent()
    if os.getppid() != parent:
        os._exit(_FAILED)  # it was gone before we asked


def _enter_namespaces(tell_ready: int, mapped: int) -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(_NEWUSER | _NEWNET | _NEWPID | _NEWNS | _NEWIPC | _NEWUTS)
    except OSError as error:
        words = say(
            "this machine does not let the grader make namespaces ({error}); "
            "allow unprivileged user namespaces, or run it where they are allowed",
            error=str(error.strerror),
        )
        raise ArenaUnavailableError(words) from error
    os.write(tell_ready, b"r")
    if os.read(mapped, 1) != b"y":
        _map_own_user(user, group)
    os.close(tell_ready)
    os.close(mapped)


def _map_two_users(child: int) -> bool:
    """Map root and the student's user into the child's namespace: only root outside may (user_namespaces(7))."""
    if os.geteuid() != 0:
        return False
    lines = f"0 0 1\n{STUDENT} {_NOBODY} 1\n"
    try:
        for kind in ("gid_map", "uid_map"):
            Path(f"/proc/{child}/{kind}").write_text(lines)
    except OSError:
        return False
    return True


def _map_own_user(user: int, group: int) -> None:
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1\n")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1\n")
    except OSError as error:
        words = say(
            "this machine does not let the grader map its user into a namespace ({error})", error=str(error.strerror)
        )
        raise ArenaUnavailableError(words) from error


def has_student_user() -> bool:
    """Whether this arena can run a server as a user other than its own."""
    return os.geteuid() == 0 and len(Path("/proc/self/uid_map").read_text().splitlines()) > 1


def _as_first_process(body: Callable[[], None], needed: list[Path]) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
    first = os.fork()
    if first:
        return _outlive(first)
    kernel.die_with_parent()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    _mount_private(needed)
    new_network()
    body()
    return 0


def _outlive(first: int) -> int:
    """Wait for process 1 of the arena, which ends after all others in there; SIGTERM kills it."""

    def end_arena(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end_arena)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    _, status = os.waitpid(first, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def _mount_private(needed: list[Path]) -> None:
    try:
        kernel.mount("none", "/", "none", _MS_REC | _MS_PRIVATE)
        kernel.mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV)
        # No namespaces inside namespaces for anybody in here (user_namespaces(7)).
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        kernel.mount(
            "tmpfs", str(workspace(needed)), "tmpfs", _MS_NOSUID | _MS_NODEV, "size=512m,nr_inodes=65536,mode=755"
        )
    except OSError as error:
        words = say("this machine does not let the grader mount: {error}", error=str(error))
        raise ArenaUnavailableError(words) from error


def workspace(needed: list[Path]) -> Path:
    """The folder over which the arena mounts its tmpfs: one that hides none of the `needed` paths."""
    for name in _WORKSPACES:
        folder = Path(name)
        if folder.is_dir() and not any(path.is_relative_to(folder) for path in needed):
            return folder
    words = say("no folder of {folders} is free for the arena's files", folders=listed(_WORKSPACES))
    raise ArenaUnavailableError(words)


def new_network() -> None:
    """Move this process into a fresh network namespace with loopback up: no port taken, nothing in TIME_WAIT.

    And into a fresh IPC namespace, so that no server finds shared memory of one before it (ipc_namespaces(7)).
    With a small socket table of its own where the kernel can do that (Linux 6.1): the machine's has hundreds of
    thousands of buckets, and whoever lists the sockets of one namespace walks through them all.
    """
    with contextlib.suppress(OSError):
        _TABLE_SIZE.write_text("1024")
    kernel.unshare(_NEWNET | _NEWIPC)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def end_everybody() -> None:
    """Kill and reap every process of the arena but this one, which is its process 1."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
