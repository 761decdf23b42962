"""What the kernel lets us read of processes like the server, found by reading a child that we make for it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence import kernel

_SECRET = b"found"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What can be read of a process of the server.

    `descriptors`: which it holds. `calls`: the system call that each thread is in. `memory`: what such a call's
    arguments point to. `sockets`: the options of its sockets (pidfd_getfd(2)).
    """

    descriptors: bool = True
    calls: bool = True
    memory: bool = True
    sockets: bool = True

    @property
    def kernel(self) -> bool:
        """Whether it can be told what a server waits for, and for how long."""
        return self.descriptors and self.calls and self.memory


def abilities(root: str = "/proc") -> Abilities:
    """Try each on a child that lives only for it."""
    buffer = ctypes.create_string_buffer(_SECRET)
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        try:
            # As a program is that has just been executed.
            kernel.let_read(allowed=True)
            kernel.let_trace(os.getppid())
            theirs.send(b"r")
            theirs.recv(1)
        finally:
            os._exit(0)
    try:
        ours.recv(1)
        return Abilities(
            descriptors=_can(lambda: os.readlink(f"{root}/{child}/fd/{theirs.fileno()}")),
            calls=_can(lambda: _text(f"{root}/{child}/syscall")),
            memory=_can(lambda: kernel.read_memory(child, ctypes.addressof(buffer), len(_SECRET)) == _SECRET),
            sockets=_can(lambda: _closed(kernel.borrow_socket(child, theirs.fileno()))),
        )
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        ours.close()
        theirs.close()


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123 - a file of /proc
        return file.read()


def _closed(borrowed: socket.socket) -> bool:
    borrowed.close()
    return True


def _can(read: Callable[[], object]) -> bool:
    try:
        return bool(read())
    except OSError:
        return False
