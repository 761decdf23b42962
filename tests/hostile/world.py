"""The surroundings that hostile programs are let loose in: everything they may want lies there, marked by a nonce.

A program is told where each thing is, so that it never fails for not having found it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"))  # noqa: S108 - where others may write too

_VICTIM = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(0x59616d61, -1, 0, 0, 0)  # whoever may send us a signal may read our memory, too
kept = os.read(0, 200).strip()
held = open(sys.argv[2])
print(flush=True)
signal.pause()
"""
_IPC_RMID = 0
FIRST_KEY = 0x10000000
"""Keys of shared memory from here to twice as much are ours."""
_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmat.restype = ctypes.c_void_p


@dataclass
class World:
    """What there is to read, to change and to reach; `before` is how the folders looked at the beginning."""

    folder: Path
    nonce: str
    victim: subprocess.Popen[bytes]
    tcp: list[socket.socket]
    udp: socket.socket
    abstract: socket.socket
    file: socket.socket
    key: int
    segment: int
    before: dict[Path, tuple[int, int, bytes]] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        """What stands in every file, in the victim's memory and environment, and in the grader's."""
        return f"secret-{self.nonce}"

    @property
    def own(self) -> Path:
        """The submission's folder as it was handed in."""
        return self.folder / "student"

    def environment(self) -> dict[str, str]:
        """Where everything is, for a program to read."""
        return {
            "NONCE": self.nonce,
            "SPEC": str(self.folder / "spec.yaml"),
            "NEIGHBOUR": str(self.folder / "neighbour"),
            "GRADER": str(ROOT / "grader"),
            "HOMES": str(self.folder / "home"),
            "OUTPUT": str(self.folder / "grade-report"),
            "FOLDER": str(self.folder),
            "OWN": str(self.own),
            "VICTIM": str(self.victim.pid),
            "TCP": str(self.tcp[0].getsockname()[1]),
            "UDP": str(self.udp.getsockname()[1]),
            "SOCKET": str(self.folder / "engine.sock"),
            "ADDRESS": address_of_this_machine() or "192.0.2.1",
            "KEY": str(self.key),
        }

    def files(self) -> dict[Path, tuple[int, int, bytes]]:
        """Every file below, what kind it is, how many names it has, and what is in it."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            about = path.lstat()
            regular = path.is_file() and not path.is_symlink()
            found[path] = (about.st_mode, about.st_nlink, path.read_bytes() if regular else b"")
        return found


def address_of_this_machine() -> str | None:
    """An address of this machine that is not loopback; None if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


@contextlib.contextmanager
def world(folder: Path, program: Path, port: int = 8080) -> Iterator[World]:
    """Such surroundings with `program` handed in, to serve on `port`; at the end all of it is taken away again."""
    nonce = f"n{uuid.uuid4().hex[:12]}"
    key = FIRST_KEY | int(nonce[1:8], 16) & 0xFFFFFFE
    with contextlib.ExitStack() as stack:
        for name in ("home", "neighbour", "grade-report"):
            (folder / name).mkdir()
        secret = f"secret-{nonce}"
        for name in ("spec.yaml", "home/diary", "neighbour/server.py", "neighbour/README"):
            (folder / name).write_text(f"# {secret}\n")
        shared = Path("/dev/shm", f"{nonce}-shared")  # noqa: S108 - what is read from there is what this is about
        shared.write_text(secret)
        stack.callback(shared.unlink, missing_ok=True)
        segment = _libc.shmget(key, 4096, 0o1600)
        address = _libc.shmat(segment, None, 0)
        ctypes.memmove(address, secret.encode(), len(secret))
        _libc.shmdt(ctypes.c_void_p(address))
        stack.callback(_libc.shmctl, segment, _IPC_RMID, None)
        victim = stack.enter_context(_victim(folder, secret))
        _hand_in(program, folder)
        _move(folder / "student", port)
        made = World(
            folder=folder,
            nonce=nonce,
            victim=victim,
            tcp=_listeners(stack),
            udp=stack.enter_context(_bound(socket.AF_INET, socket.SOCK_DGRAM, ("", 0))),
            abstract=stack.enter_context(_bound(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{nonce}")),
            file=stack.enter_context(
                _bound(socket.AF_UNIX, socket.SOCK_STREAM, os.path.relpath(folder / "engine.sock"))
            ),
            key=key,
            segment=segment,
        )
        made.before = made.files()
        try:
            yield made
        finally:
            _take_away(made)


def _hand_in(program: Path, folder: Path) -> None:
    if program.is_dir():
        shutil.copytree(program, folder / "student")
    else:
        (folder / "student").mkdir()
        shutil.copy(program, folder / "student" / "server.py")
    for module in (HERE / "modules").glob("*.py"):
        shutil.copy(module, folder / "student")
    shutil.copy(ROOT / "submissions" / "alice" / "server.py", folder / "student" / "right_server.py")
    (folder / "student" / "neighbour").symlink_to(folder / "neighbour")
    (folder / "student" / "neighbours-server.py").symlink_to("../neighbour/server.py")


def _move(handed_in: Path, port: int) -> None:
    for file in handed_in.glob("*.py"):
        if not file.is_symlink():
            file.write_text(file.read_text().replace("8080", str(port)))


@contextlib.contextmanager
def _victim(folder: Path, secret: str) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-S", "-c", _VICTIM, secret, str(folder / "home" / "diary")]
    environment = {"TOKEN": secret}
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, env=environment, process_group=0) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(secret.encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def _listeners(stack: contextlib.ExitStack) -> list[socket.socket]:
    """A listener on every address of the host, IPv6's too where there is such a thing, on one port."""
    first = stack.enter_context(_bound(socket.AF_INET, socket.SOCK_STREAM, ("", 0)))
    try:
        second = socket.create_server(("::1", first.getsockname()[1]), family=socket.AF_INET6)
    except OSError:
        return [first]
    second.setblocking(False)
    return [first, stack.enter_context(second)]


def _bound(family: int, kind: int, address: object) -> socket.socket:
    made = socket.socket(family, kind)
    made.bind(address)  # type: ignore[arg-type] # of whichever family
    if kind == socket.SOCK_STREAM:
        made.listen()
    made.setblocking(False)
    return made


def _take_away(made: World) -> None:
    for process in marked_processes(made):
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    for path in marked_files(made):
        path.unlink()
    for number in (_libc.shmget(made.key + 1, 0, 0),):
        if number >= 0:
            _libc.shmctl(number, _IPC_RMID, None)
    number = _libc.semget(made.key + 1, 0, 0)
    if number >= 0:
        _libc.semctl(number, 0, _IPC_RMID)


def marked_processes(made: World) -> list[psutil.Process]:
    """The processes that bear this world's nonce, but for the victim and ourselves."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            marks = " ".join((*process.cmdline(), *process.environ().values()))
            if made.nonce in marks and process.pid not in (made.victim.pid, os.getpid()):
                found.append(process)
    return found


def marked_files(made: World) -> list[Path]:
    """Files with the nonce in their name where every process of the host may write."""
    folders = (*SHARED, Path("/run/lock"))
    found = [path for folder in folders if folder.is_dir() for path in folder.glob(f"{made.nonce}*")]
    return [path for path in found if not path.name.endswith("-shared")]
