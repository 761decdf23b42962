"""Ports of a network that is shared with others: one grading at a time on each, and who else is there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from grader.evidence.records import TcpSocket
from grader.evidence.sock_diag import SocketTable

_TIME_WAIT_SECONDS = 65.0  # the kernel's 60, and a little (TCP_TIMEWAIT_LEN)
_BETWEEN_LOOKS = 0.1
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000


@contextlib.contextmanager
def one_at_a_time(port: int) -> Iterator[None]:
    """Wait until no other grading on this machine uses the port, and keep it until the block is left.

    The lock goes with the processes that hold it, however they end.
    """
    fd = _lock_file(Path(tempfile.gettempdir(), f"network-io-grader-port-{port}.lock"))
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _lock_file(path: Path) -> int:
    """A file for everybody to lock; it stays, for who removes one may remove another's."""
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


def in_use() -> set[int]:
    """Every port at either end of a connection, those in TIME_WAIT too."""
    with _table() as table:
        entries: tuple[TcpSocket, ...] = (*table.read(), *table.read_time_wait())
    return {port for entry in entries for port in (entry.local_port, entry.remote_port)}


def lingering(ports: set[int]) -> bool:
    """Whether a connection in TIME_WAIT still keeps one of these from a server that does not say SO_REUSEADDR."""
    with _table() as table:
        return any(entry.local_port in ports for entry in table.read_time_wait())


def wait_until_free(ports: set[int]) -> None:
    """Until nothing lingers on these ports; the kernel sees to it within a minute."""
    deadline = time.monotonic() + _TIME_WAIT_SECONDS
    while lingering(ports) and time.monotonic() < deadline:
        time.sleep(_BETWEEN_LOOKS)


def free_port() -> int:
    """A port that nobody uses now, and that the kernel gives to no client (ip_local_port_range in ip(7))."""
    while True:
        port = random.randrange(_FIRST, _ephemeral())  # noqa: S311 - nobody is kept from guessing it
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("", port))
            return port


def _ephemeral() -> int:
    try:
        first = int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        first = 0
    return first if first > _FIRST else 1 << 15
