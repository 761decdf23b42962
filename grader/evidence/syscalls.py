"""System calls that a server may wait in: their numbers, and which argument holds what.

Numbers from arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (aarch64).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import Enum, auto

from grader.evidence.records import WaitKind

TIMER_SIGNALS = (1 << 13) | (1 << 25) | (1 << 26)
"""SIGALRM, SIGVTALRM and SIGPROF as a mask: what setitimer(2) and alarm(2) send, and no file shows when."""


class Limit(Enum):
    """Where a call's time limit is to be found."""

    NEVER = auto()
    MILLISECONDS = auto()
    TIMESPEC = auto()
    TIMEVAL = auto()
    ABSOLUTE = auto()
    FUTEX = auto()
    CLOCK_SLEEP = auto()
    RECEIVE_OPTION = auto()
    SEND_OPTION = auto()
    EITHER_OPTION = auto()
    UNKNOWN = auto()


class Targets(Enum):
    """Where the descriptors are that a call waits for."""

    NONE = auto()
    READ = auto()
    WRITE = auto()
    FD_SETS = auto()
    POLL_ARRAY = auto()
    FROM_TO = auto()
    SIGNALS = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """How to read a blocked call: its kind, and which argument (by index) holds the limit."""

    kind: WaitKind
    targets: Targets
    limit: Limit
    limit_argument: int = 0


_K, _L, _T = WaitKind, Limit, Targets

SHAPES: dict[str, Shape] = {
    "accept": Shape(_K.ACCEPT, _T.READ, _L.RECEIVE_OPTION),
    "accept4": Shape(_K.ACCEPT, _T.READ, _L.RECEIVE_OPTION),
    "connect": Shape(_K.CONNECT, _T.WRITE, _L.SEND_OPTION),
    "recvfrom": Shape(_K.RECV, _T.READ, _L.RECEIVE_OPTION),
    "recvmsg": Shape(_K.RECV, _T.READ, _L.RECEIVE_OPTION),
    "recvmmsg": Shape(_K.RECV, _T.READ, _L.UNKNOWN),
    "read": Shape(_K.READ, _T.READ, _L.RECEIVE_OPTION),
    "readv": Shape(_K.READ, _T.READ, _L.RECEIVE_OPTION),
    "preadv": Shape(_K.READ, _T.READ, _L.RECEIVE_OPTION),
    "preadv2": Shape(_K.READ, _T.READ, _L.RECEIVE_OPTION),
    "splice": Shape(_K.READ, _T.FROM_TO, _L.EITHER_OPTION),
    "sendto": Shape(_K.SEND, _T.WRITE, _L.SEND_OPTION),
    "sendmsg": Shape(_K.SEND, _T.WRITE, _L.SEND_OPTION),
    "sendmmsg": Shape(_K.SEND, _T.WRITE, _L.SEND_OPTION),
    "sendfile": Shape(_K.SEND, _T.WRITE, _L.SEND_OPTION),
    "write": Shape(_K.WRITE, _T.WRITE, _L.SEND_OPTION),
    "writev": Shape(_K.WRITE, _T.WRITE, _L.SEND_OPTION),
    "pwritev": Shape(_K.WRITE, _T.WRITE, _L.SEND_OPTION),
    "pwritev2": Shape(_K.WRITE, _T.WRITE, _L.SEND_OPTION),
    "select": Shape(_K.SELECT, _T.FD_SETS, _L.TIMEVAL, 4),
    "pselect6": Shape(_K.SELECT, _T.FD_SETS, _L.TIMESPEC, 4),
    "poll": Shape(_K.POLL, _T.POLL_ARRAY, _L.MILLISECONDS, 2),
    "ppoll": Shape(_K.POLL, _T.POLL_ARRAY, _L.TIMESPEC, 2),
    "epoll_wait": Shape(_K.EPOLL, _T.READ, _L.MILLISECONDS, 3),
    "epoll_pwait": Shape(_K.EPOLL, _T.READ, _L.MILLISECONDS, 3),
    "epoll_pwait2": Shape(_K.EPOLL, _T.READ, _L.TIMESPEC, 3),
    "futex": Shape(_K.FUTEX, _T.NONE, _L.FUTEX, 3),
    "nanosleep": Shape(_K.SLEEP, _T.NONE, _L.TIMESPEC, 0),
    "clock_nanosleep": Shape(_K.SLEEP, _T.NONE, _L.CLOCK_SLEEP, 2),
    "wait4": Shape(_K.CHILD, _T.NONE, _L.NEVER),
    "waitid": Shape(_K.CHILD, _T.NONE, _L.NEVER),
    "pause": Shape(_K.SIGNAL, _T.NONE, _L.NEVER),
    "rt_sigsuspend": Shape(_K.SIGNAL, _T.NONE, _L.NEVER),
    "rt_sigtimedwait": Shape(_K.SIGNAL, _T.SIGNALS, _L.TIMESPEC, 2),
    "io_uring_enter": Shape(_K.IO_URING, _T.NONE, _L.UNKNOWN),
    # In which the kernel's own thread for a ring was made (IORING_SETUP_SQPOLL), and seems to be ever after.
    "io_uring_setup": Shape(_K.IO_URING, _T.NONE, _L.UNKNOWN),
}
"""Calls whose wait can be read. Any other blocked call (restart_syscall among them) proves nothing."""

_X86_64 = {
    0: "read", 1: "write", 7: "poll", 19: "readv", 20: "writev", 23: "select", 24: "sched_yield", 34: "pause",
    35: "nanosleep", 40: "sendfile", 42: "connect", 43: "accept", 44: "sendto", 45: "recvfrom", 46: "sendmsg",
    47: "recvmsg", 61: "wait4", 72: "fcntl", 73: "flock", 128: "rt_sigtimedwait", 130: "rt_sigsuspend",
    202: "futex", 219: "restart_syscall", 230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid", 270: "pselect6",
    271: "ppoll", 275: "splice", 281: "epoll_pwait", 288: "accept4", 295: "preadv", 296: "pwritev", 299: "recvmmsg",
    307: "sendmmsg", 327: "preadv2", 328: "pwritev2", 425: "io_uring_setup", 426: "io_uring_enter",
    441: "epoll_pwait2", 449: "futex_waitv",
}  # fmt: skip

_AARCH64 = {
    22: "epoll_pwait", 25: "fcntl", 32: "flock", 63: "read", 64: "write", 65: "readv", 66: "writev", 69: "preadv",
    70: "pwritev", 71: "sendfile", 72: "pselect6", 73: "ppoll", 76: "splice", 95: "waitid", 98: "futex",
    101: "nanosleep", 115: "clock_nanosleep", 124: "sched_yield", 128: "restart_syscall", 133: "rt_sigsuspend",
    137: "rt_sigtimedwait", 202: "accept", 203: "connect", 206: "sendto", 207: "recvfrom", 211: "sendmsg",
    212: "recvmsg", 242: "accept4", 243: "recvmmsg", 260: "wait4", 269: "sendmmsg", 286: "preadv2", 287: "pwritev2",
    425: "io_uring_setup", 426: "io_uring_enter", 441: "epoll_pwait2", 449: "futex_waitv",
}  # fmt: skip

TABLES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def call_name(number: int, machine: str = platform.machine()) -> str:
    """The name of a system call, or `syscall_N` for one that no server is expected to wait in."""
    return TABLES.get(machine, {}).get(number, f"syscall_{number}")
