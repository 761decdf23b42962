"""Reads the pointers of a blocked call: its time limit and the descriptors it waits for."""

from __future__ import annotations

import errno
import socket
import struct
import time
from dataclasses import replace

from grader.evidence import kernel
from grader.evidence.records import SystemCall, ThreadSample, Wait, WaitKind
from grader.evidence.syscalls import SHAPES, TIMER_SIGNALS, Limit, Shape, Targets

_SPEC = struct.Struct("=qq")
_SIGNAL_SET = struct.Struct("=Q")
_POLLFD = struct.Struct("=ihh")
_POLLIN_ANY, _POLLOUT_ANY = 0x0001 | 0x0002 | 0x0040 | 0x2000, 0x0004 | 0x0100
_MAX_DESCRIPTORS = 1 << 16
_FUTEX_COMMAND, _FUTEX_REALTIME = 0x7F, 0x100
_FUTEX_RELATIVE = {0}
_FUTEX_ABSOLUTE = {6, 9, 11, 13}
_TIMER_ABSTIME = 1


def read_wait(sample: ThreadSample) -> Wait | None:
    """What a blocked thread waits for, or None if it is not blocked in a call.

    Where memory cannot be read or the call is not one we know, `unreadable` says so.
    """
    call = sample.call
    if call is None:
        return None
    shape = SHAPES.get(call.name)
    if shape is None:
        return _unread(sample, WaitKind.OTHER, " is not understood")
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    try:
        reads, writes = _targets(sample.pid, call, shape)
        limit = _limit(sample.pid, call, shape)
    except (OSError, struct.error, ValueError) as error:
        return replace(_unread(sample, shape.kind, f": {error}"), reads=reads, writes=writes)
    return Wait(sample.pid, sample.tid, shape.kind, call.name, limit, reads, writes, runtime=sample.runtime)


def _unread(sample: ThreadSample, kind: WaitKind, why: str) -> Wait:
    call = sample.call.name if sample.call else ""
    return Wait(sample.pid, sample.tid, kind, call, unreadable=f"{call}{why}", runtime=sample.runtime)


def _targets(pid: int, call: SystemCall, shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
    match shape.targets:
        case Targets.READ:
            return (_int32(call.args[0]),), ()
        case Targets.WRITE:
            return (), (_int32(call.args[0]),)
        case Targets.FROM_TO:
            source, target = _from_to(call)
            return (source,), (target,)
        case Targets.FD_SETS:
            return _fd_sets(pid, call.args)
        case Targets.POLL_ARRAY:
            return _poll_array(pid, call.args)
        case Targets.SIGNALS:
            _refuse_timers(pid, call.args[0])
            return (), ()
        case Targets.NONE:
            return (), ()


def _from_to(call: SystemCall) -> tuple[int, int]:
    # splice(2): from a descriptor, at an offset, to another one; one of them is a pipe.
    return _int32(call.args[0]), _int32(call.args[2])


def _refuse_timers(pid: int, address: int) -> None:
    # Who waits for the signal of an interval timer may be woken by time, and no file shows whether it is running.
    (signals,) = _SIGNAL_SET.unpack(kernel.read_memory(pid, address, _SIGNAL_SET.size))
    if signals & TIMER_SIGNALS:
        raise ValueError("it waits for a signal that a timer may send")


def _fd_sets(pid: int, args: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    count = min(_int32(args[0]), _MAX_DESCRIPTORS)
    sets = [_fd_set(pid, address, count) for address in args[1:4]]
    return tuple(sorted(sets[0] | sets[2])), tuple(sorted(sets[1]))


def _fd_set(pid: int, address: int, count: int) -> set[int]:
    if not address or count <= 0:
        return set()
    # The kernel reads whole longs (fs/select.c), so may we.
    bits = int.from_bytes(kernel.read_memory(pid, address, (count + 63) // 64 * 8), "little")
    return {fd for fd in range(count) if bits >> fd & 1}


def _poll_array(pid: int, args: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    count = args[1]
    if count > _MAX_DESCRIPTORS:
        raise ValueError(f"{count} entries")
    if not count:
        return (), ()
    entries = list(_POLLFD.iter_unpack(kernel.read_memory(pid, args[0], count * _POLLFD.size)))
    # An entry without events still wakes on hang-up and error.
    reads = tuple(fd for fd, events, _ in entries if fd >= 0 and (events & _POLLIN_ANY or not events))
    return reads, tuple(fd for fd, events, _ in entries if fd >= 0 and events & _POLLOUT_ANY)


def _limit(pid: int, call: SystemCall, shape: Shape) -> float | None:
    argument = call.args[shape.limit_argument]
    match shape.limit:
        case Limit.NEVER:
            return None
        case Limit.MILLISECONDS:
            milliseconds = _int32(argument)
            return None if milliseconds < 0 else milliseconds / 1e3
        case Limit.TIMESPEC:
            return _seconds(pid, argument, 1e9)
        case Limit.TIMEVAL:
            return _seconds(pid, argument, 1e6)
        case Limit.FUTEX:
            return _futex_limit(pid, call.args)
        case Limit.CLOCK_SLEEP:
            return _sleep_limit(pid, call.args)
        case Limit.RECEIVE_OPTION:
            return _socket_limit(pid, _int32(call.args[0]), socket.SO_RCVTIMEO)
        case Limit.SEND_OPTION:
            return _socket_limit(pid, _int32(call.args[0]), socket.SO_SNDTIMEO)
        case Limit.EITHER_OPTION:
            source, target = _from_to(call)
            of_both = _socket_limit(pid, source, socket.SO_RCVTIMEO), _socket_limit(pid, target, socket.SO_SNDTIMEO)
            return min((limit for limit in of_both if limit is not None), default=None)
        case _:
            raise ValueError("its time limit cannot be read")


def _seconds(pid: int, address: int, fraction: float) -> float | None:
    if not address:
        return None
    whole, part = _SPEC.unpack(kernel.read_memory(pid, address, _SPEC.size))
    if whole < 0 or part < 0:
        raise ValueError("its time limit has been overwritten: no such one is taken")
    return float(whole + part / fraction)


def _futex_limit(pid: int, args: tuple[int, ...]) -> float | None:
    command = args[1] & _FUTEX_COMMAND
    if command not in _FUTEX_RELATIVE | _FUTEX_ABSOLUTE:
        raise ValueError(f"operation {command} is not a wait we know")
    limit = _seconds(pid, args[3], 1e9)
    if limit is None or command in _FUTEX_RELATIVE:
        return limit
    now = time.time() if args[1] & _FUTEX_REALTIME or command == min(_FUTEX_ABSOLUTE) else time.monotonic()
    return max(limit - now, 0.0)


def _sleep_limit(pid: int, args: tuple[int, ...]) -> float | None:
    limit = _seconds(pid, args[2], 1e9)
    if limit is None or not args[1] & _TIMER_ABSTIME:
        return limit
    return max(limit - (time.time() if args[0] == time.CLOCK_REALTIME else time.monotonic()), 0.0)


def _socket_limit(pid: int, fd: int, option: int) -> float | None:
    try:
        borrowed = kernel.borrow_socket(pid, fd)
    except OSError as error:
        if error.errno == errno.ENOTSOCK:
            return None  # pipes, eventfds and files have no such option
        raise
    with borrowed:
        whole, part = struct.unpack("=qq", borrowed.getsockopt(socket.SOL_SOCKET, option, 16))
    return float(whole + part / 1e6) or None


def _int32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & (1 << 31) else value
