"""The few calls of the C library that Python does not offer, with errors as OSError."""

from __future__ import annotations

import ctypes
import os
import socket

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_SET_PTRACER = 36, 38, 0x59616D61
_SECCOMP_MODE_FILTER, _STEP = 2, 8
_SYS_PIDFD_GETFD = 438  # the same number on every architecture (asm-generic/unistd.h)


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def read_memory(pid: int, address: int, size: int) -> bytes:
    """Copy `size` bytes at `address` of another process (process_vm_readv(2)).

    Raises:
        OSError: the process is gone, is not ours to read, or has no memory there.
    """
    buffer = ctypes.create_string_buffer(size)
    local = _Iovec(ctypes.addressof(buffer), size)
    remote = _Iovec(address, size)
    count = _checked(
        _libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0), "process_vm_readv"
    )
    if count != size:
        raise OSError(f"process_vm_readv: {count} of {size} bytes")
    return buffer.raw


def borrow_socket(pid: int, fd: int) -> socket.socket:
    """A duplicate of another process's socket (pidfd_getfd(2)); close it at once, it keeps the connection open.

    Raises:
        OSError: the process or descriptor is gone, or is no socket.
    """
    pidfd = os.pidfd_open(pid)
    try:
        copy = _checked(_libc.syscall(_SYS_PIDFD_GETFD, pidfd, fd, 0), "pidfd_getfd")
    finally:
        os.close(pidfd)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def user_timeout(pid: int, fd: int) -> int:
    """After how many milliseconds another process's TCP socket gives up on unacknowledged bytes, 0 for never.

    Raises:
        OSError: as `borrow_socket`.
    """
    with borrow_socket(pid, fd) as borrowed:
        return borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones: `flags` are the kernel's CLONE_NEW constants."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Put a file system of `kind` on the folder `target`."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None
    )
    _checked(result, f"mount {kind} on {target}")


def die_with_parent(number: int = 9) -> None:
    """Ask for this signal when the parent ends (PR_SET_PDEATHSIG); the caller checks that it is not too late."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Whoever below us loses its parent becomes our child (PR_SET_CHILD_SUBREAPER)."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def let_read(*, allowed: bool) -> None:
    """Whether processes of the same user may read our memory and descriptors (PR_SET_DUMPABLE)."""
    _checked(_libc.prctl(_PR_SET_DUMPABLE, int(allowed), 0, 0, 0), "prctl")


def let_trace(pid: int) -> None:
    """Let a process, and those below it, read us where only ancestors may (PR_SET_PTRACER, of the Yama module).

    Where there is no such module there is no such rule, and the call fails.
    """
    _libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)


def no_new_privileges() -> None:
    """Nothing that is executed from now on gains privileges (PR_SET_NO_NEW_PRIVS); needed for a filter."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def filter_calls(program: bytes) -> None:
    """Filter this process's system calls from now on (PR_SET_SECCOMP); `program` is a row of struct sock_filter.

    Raises:
        OSError: the kernel has no such filters, or refuses this one.
    """
    whole = _Program(len(program) // _STEP, program)
    _checked(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(whole), 0, 0), "prctl")
