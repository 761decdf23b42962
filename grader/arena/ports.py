"""Ports of a network that is shared with others: one grading at a time on each, and who else is there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from grader.arena.namespaces import ArenaUnavailableError
from grader.evidence.records import TcpSocket
from grader.evidence.sock_diag import SocketTable
from grader.words import say

_TIME_WAIT_SECONDS = 65.0  # the kernel's 60, and a little (TCP_TIMEWAIT_LEN)
_BETWEEN_LOOKS = 0.1
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST, _LAST = 10_000, 65_535


@contextlib.contextmanager
def one_at_a_time(port: int) -> Iterator[None]:
    """Wait until no other grading on this machine uses the port, and keep it until the block is left.

    The lock goes with the processes that hold it, however they end.
    """
    fd = _lock_file(port)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def another_port() -> Iterator[int]:
    """A port that nobody uses now, and that no other grading gets until the block is left.

    Raises:
        ArenaUnavailableError: there is none.
    """
    # In an order of its own, for gradings with different folders for temporary files do not see each other's locks.
    for port in filter(is_free, _shuffled(candidates())):
        fd = _lock_file(port)
        try:
            if _locks_at_once(fd):
                yield port
                return
        finally:
            os.close(fd)
    raise ArenaUnavailableError(say("no port of this machine is free to be offered to the server"))


def _shuffled(known: list[int]) -> list[int]:
    return secrets.SystemRandom().sample(known, len(known))


def _locks_at_once(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file(port: int) -> int:
    """A file for everybody to lock; it stays, for who removes one may remove another's."""
    path = Path(tempfile.gettempdir(), f"network-io-grader-port-{port}.lock")
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        # Not with O_CREAT if it is there: that is refused in /tmp for somebody else's file (fs.protected_regular).
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644))


@contextlib.contextmanager
def _table() -> Iterator[SocketTable]:
    table = SocketTable()
    try:
        yield table
    finally:
        table.close()


def listened_on(port: int) -> bool:
    """Whether anybody on this machine listens on the port."""
    with _table() as table:
        return any(entry.local_port == port for entry in table.read_listeners())


def connections() -> set[tuple[int, int]]:
    """The ports of every connection, seen from either end, those in TIME_WAIT too."""
    with _table() as table:
        entries: tuple[TcpSocket, ...] = (*table.read(), *table.read_time_wait())
    return {ends for e in entries for ends in ((e.local_port, e.remote_port), (e.remote_port, e.local_port))}


def lingering(ports: set[int]) -> bool:
    """Whether a connection in TIME_WAIT still keeps one of these from a server that does not say SO_REUSEADDR."""
    with _table() as table:
        return any(entry.local_port in ports for entry in table.read_time_wait())


def wait_until_free(ports: set[int]) -> None:
    """Until nothing lingers on these ports; the kernel sees to it within a minute."""
    deadline = time.monotonic() + _TIME_WAIT_SECONDS
    while lingering(ports) and time.monotonic() < deadline:
        time.sleep(_BETWEEN_LOOKS)


def is_free(port: int) -> bool:
    """Whether a server that does not say SO_REUSEADDR could have the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def candidates() -> list[int]:
    """What may be offered: ports that the kernel gives to no client (ip_local_port_range in ip(7)), or else all."""
    first, last = _given_to_clients()
    every = range(_FIRST, _LAST + 1)
    return [port for port in every if not first <= port <= last] or list(every)


def _given_to_clients() -> tuple[int, int]:
    try:
        first, last = map(int, _RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return 1 << 15, _LAST
    return first, last
