"""A cage for level `process`, where much of what hostile programs do is not contained.

Whoever enters it goes on as process 1 of namespaces of its own, whom nobody in there can kill or stop, on a network
with an address of its own, with empty folders where everybody may write, but for what is needed and lies there, which
can be read only. What is left in there is seen and removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import NoReturn

from grader.arena.namespaces import new_network
from grader.evidence import kernel

_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - where everybody may write
_MARK = "hostile-cage"
_KEPT = ("hostile-", "network-io-grader-port-")
_ADDRESS = "192.0.2.1"  # of TEST-NET-1 (RFC 5737)
_NEWNS, _NEWUSER, _NEWPID = 0x00020000, 0x10000000, 0x20000000
_PRIVATE_EVERYWHERE = 0x00040000 | 0x4000
_BIND, _READ_ONLY = 0x1000 | 0x4000, 0x1 | 0x20 | 0x1000
_SIOCSIFADDR = 0x8916
_IPC_RMID = 0
_libc = ctypes.CDLL(None, use_errno=True)


def enter(needed: list[Path]) -> None:
    """Go on in a cage, where what is in the `needed` folders can be read still."""
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(_NEWNS | _NEWPID | (_NEWUSER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1\n")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1\n")
    if child := os.fork():
        _wait_for(child)
    os.setsid()
    kernel.mount("none", "/", "none", _PRIVATE_EVERYWHERE)
    kernel.mount("proc", "/proc", "proc")
    _cover(list({path.resolve() for path in needed if path.is_dir()}))
    new_network()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        address = struct.pack("=16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(_ADDRESS))
        fcntl.ioctl(control, _SIOCSIFADDR, address)


def _cover(needed: list[Path]) -> None:
    """Put empty folders where everybody may write; what is needed of what lay there is put back, read-only."""
    hidden = {folder: [path for path in needed if path.is_relative_to(folder)] for folder in _FOLDERS}
    for folder, paths in hidden.items():
        outermost = [path for path in paths if not any(other in path.parents for other in paths)]
        held = {path: os.open(path, os.O_PATH) for path in outermost}
        kernel.mount("tmpfs", str(folder), "tmpfs", options="mode=1777")
        for path, descriptor in held.items():
            path.mkdir(parents=True)
            kernel.mount(f"/proc/self/fd/{descriptor}", str(path), "none", _BIND)
            kernel.mount("none", str(path), "none", _READ_ONLY)
            os.close(descriptor)
        (folder / _MARK).write_text("\n".join(path.relative_to(folder).parts[0] for path in outermost))


def _wait_for(child: int) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(status if status >= 0 else 128 - status)


def entered() -> bool:
    """Whether we are in a cage, as its process 1."""
    return os.getpid() == 1 and all((folder / _MARK).exists() for folder in _FOLDERS)


def clear() -> list[str]:
    """End and remove everything in the cage that is not the caller's; what there was of it."""
    assert entered(), "nothing is to be cleared outside of a cage"
    return [*_clear_processes(), *_clear_files(), *_clear_segments()]


def _clear_processes() -> list[str]:
    _reap(os.WNOHANG)
    found = [f"a process: {pid}" for pid in os.listdir("/proc") if pid.isdecimal() and int(pid) != os.getpid()]
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    _reap(0)
    return found


def _reap(options: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _clear_files() -> list[str]:
    found: list[Path] = []
    for folder in _FOLDERS:
        needed = (folder / _MARK).read_text().splitlines()
        found += (path for path in folder.iterdir() if not path.name.startswith(_KEPT) and path.name not in needed)
    for path in found:
        _remove(path)
    return [f"a file: {path}" for path in found]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for below in path.iterdir():
            _remove(below)
        path.rmdir()
    else:
        path.unlink()


def _clear_segments() -> list[str]:
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    found = [int(line.split()[1]) for line in lines]
    for segment in found:
        _libc.shmctl(segment, _IPC_RMID, None)
    return [f"a segment of shared memory: {segment}" for segment in found]
