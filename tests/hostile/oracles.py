"""What hostile programs did to the world outside, told without asking them: each oracle lists the harm that it sees."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import psutil
from world import FIRST_KEY, ROOT, World, marked_files, marked_processes

Oracle = Callable[[World, str], list[str]]

_libc = ctypes.CDLL(None, use_errno=True)
_GRADERS_WORDS = (ROOT / "grader" / "grading.py").read_text().splitlines()[0][:60]


def told_a_secret(world: World, output: str) -> list[str]:
    """A secret, or the grader's own program, stands in what the program printed."""
    return [f"it printed {word}" for word in (world.secret, _GRADERS_WORDS) if word in output]


def changed_a_file(world: World, _output: str) -> list[str]:
    """A file of the world has been made, changed, linked to or taken away."""
    now = world.files()
    return [str(path) for path in sorted({*now, *world.before}) if now.get(path) != world.before.get(path)]


def left_a_file(world: World, _output: str) -> list[str]:
    """There are files of its own where every process of the host may write."""
    return [str(path) for path in marked_files(world)]


def left_a_process(world: World, _output: str) -> list[str]:
    """A process that bears the nonce lives on."""
    return [str(process) for process in marked_processes(world)]


def left_a_segment(world: World, _output: str) -> list[str]:
    """There is shared memory, or a semaphore, under a key of its own (ipcs(1))."""
    return [kind for kind, get in (("shm", _libc.shmget), ("sem", _libc.semget)) if get(world.key + 1, 0, 0) >= 0]


def reached_a_listener(world: World, _output: str) -> list[str]:
    """A connection or a datagram has come to a socket of the host's."""
    found = []
    for listener in (*world.tcp, world.abstract, world.file):
        try:
            listener.accept()[0].close()
            found.append(str(listener))
        except BlockingIOError:
            pass
    with contextlib.suppress(BlockingIOError):
        found.append(str(world.udp.recv(100)))
    return found


def harmed_the_victim(world: World, _output: str) -> list[str]:
    """The victim, a process of the host's, is dead, stopped, traced, or has been put back."""
    if world.victim.poll() is not None:
        return ["it is dead"]
    process = psutil.Process(world.victim.pid)
    status = Path(f"/proc/{process.pid}/status").read_text()
    stopped = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP, psutil.STATUS_ZOMBIE)
    found = [f"it is {process.status()}"] if stopped else []
    found += [] if "TracerPid:\t0\n" in status else ["it is traced"]
    found += [] if process.nice() == psutil.Process().nice() else ["its priority is another"]
    score = Path(f"/proc/{process.pid}/oom_score_adj").read_text()
    found += [] if score == Path("/proc/self/oom_score_adj").read_text() else ["it is to be killed first"]
    return found


def gained_a_privilege(world: World, output: str) -> list[str]:
    """The program could do what it must not be able to, and says what."""
    return [line for line in output.splitlines() if line.startswith(f"GAINED {world.nonce} ")]


ORACLES: tuple[Oracle, ...] = (
    told_a_secret,
    changed_a_file,
    left_a_file,
    left_a_process,
    left_a_segment,
    reached_a_listener,
    harmed_the_victim,
    gained_a_privilege,
)


def harm(world: World, output: str) -> list[str]:
    """What any oracle sees."""
    return [f"{oracle.__name__}: {what}" for oracle in ORACLES for what in oracle(world, output)]


class Traces:
    """What a test session leaves on the machine: taken before and after, the two must be the same."""

    def __init__(self) -> None:
        self.children = frozenset(p.pid for p in psutil.Process().children(recursive=True))
        self.descriptors = _descriptors()
        self.mounts = Path("/proc/self/mountinfo").read_text()
        self.namespaces = frozenset(_namespaces())
        self.segments = _segments()
        self.cgroups = frozenset(_cgroups())

    def differences(self, before: Traces) -> list[str]:
        """What is there now and was not before."""
        return [
            f"{name}: {ours!r}, before: {theirs!r}"
            for name, ours in vars(self).items()
            if ours != (theirs := getattr(before, name))
        ]


def _descriptors() -> list[str]:
    """What the open ones lead to, without the number that each socket, pipe and file of its kind has."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one of this listing
            found.append(os.readlink(f"/proc/self/fd/{name}").partition(":[")[0])
    return sorted(found)


def _namespaces() -> set[str]:
    """Those of ourselves and of every process below."""
    found = set()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        for name in os.listdir(f"/proc/{process.pid}/ns"):
            found.add(os.readlink(f"/proc/{process.pid}/ns/{name}"))
    return found


def _segments() -> frozenset[str]:
    """This machine's shared memory, semaphores and message queues, but for those of other tests that run just now."""
    kinds = ("shm", "sem", "msg")
    keys = [
        int(line.split()[0]) for kind in kinds for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]
    ]
    return frozenset(str(key) for key in keys if not FIRST_KEY <= key < 2 * FIRST_KEY)


def _cgroups() -> set[str]:
    own = Path("/proc/self/cgroup").read_text().strip().rsplit("::", 1)[-1]
    return {str(path) for path in Path(f"/sys/fs/cgroup{own}").glob("*/")} if own != "/" else set()
