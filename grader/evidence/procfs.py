"""Reads `/proc` of the arena's own pid namespace, where every process but a few of ours is the server's (proc(5))."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import re
import select
import socket
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from grader.evidence import kernel, runtimes, unmapped
from grader.evidence.records import (
    Counters,
    Descriptor,
    DescriptorKind,
    Pass,
    Process,
    SystemCall,
    TcpSocket,
    ThreadSample,
)
from grader.evidence.syscalls import TIMER_SIGNALS, call_name

_NONBLOCKING = os.O_NONBLOCK
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_STATUS_FLAGS = re.compile(r"flags:\s*(\d+)")
_PIPE = re.compile(r"pipe:\[(\d+)\]")
_RESIDENT_PAGES = re.compile(r"^\d+ (\d+)")
_SHARED_PAGES = re.compile(r"^\d+ \d+ (\d+)")
_PROPORTIONAL_KB = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_WATCHED = re.compile(r"^tfd:\s*(\d+) +events:\s*([0-9a-f]+)", re.MULTILINE)
_EDGE_TRIGGERED = 1 << 31 | select.EPOLLIN
_LEVEL_WRITABLE = 1 << 31 | select.EPOLLOUT
_SIGNALS = re.compile(r"^sigmask:\s*([0-9a-f]+)", re.MULTILINE)
_WITH_MEMBERS = (DescriptorKind.EPOLL, DescriptorKind.SIGNALFD)
_ANONYMOUS = {
    "anon_inode:[eventpoll]": DescriptorKind.EPOLL,
    "anon_inode:[eventfd]": DescriptorKind.EVENTFD,
    "anon_inode:[pidfd]": DescriptorKind.PIDFD,
    "anon_inode:[signalfd]": DescriptorKind.SIGNALFD,
    "anon_inode:[timerfd]": DescriptorKind.TIMERFD,
    "anon_inode:[io_uring]": DescriptorKind.IO_URING,
}
_CHILDREN_USER, _CHILDREN_SYSTEM = 13, 14  # words of /proc/PID/stat after the name
_TICKS = os.sysconf("SC_CLK_TCK")
_PIECE = 1 << 16
_WORTH_A_LOOK = 4
_NOT_TOLD = 1
"""A user timeout that keeps whatever depends on it from being proved."""
_SCHEDULED_CLOCK = 2
"""The low bits of a process's clock in clock_gettime(2): its CPU time to the nanosecond."""
_INTERNET_KINDS = {socket.SOCK_STREAM: DescriptorKind.TCP, socket.SOCK_DGRAM: DescriptorKind.UDP}


def _read(path: str) -> str:
    # One open, and nearly always one read: this runs thousands of times a second. Large epoll sets take several.
    fd = os.open(path, os.O_RDONLY)
    try:
        last = whole = os.read(fd, _PIECE)
        while len(last) == _PIECE:
            last = os.read(fd, _PIECE)
            whole += last
        return whole.decode(errors="replace")
    finally:
        os.close(fd)


def _numbers(path: str) -> list[int]:
    return [int(name) for name in os.listdir(path) if name.isdecimal()]


def stat_words(pid: int, root: str = "/proc") -> list[str]:
    """The words of a process's `stat` after its name: state, parent, ... (proc(5)).

    Raises:
        OSError: there is no such process.
    """
    return _read(f"{root}/{pid}/stat").rpartition(")")[2].split()


def parse_status(text: str) -> dict[str, str]:
    """The fields of a `status` file, by name.

    The name of a thread is its own to choose. The kernel escapes only a line feed in it, so only that ends a line.
    """
    return dict(line.split(":\t", 1) for line in text.split("\n") if ":\t" in line)


def parse_call(text: str) -> tuple[SystemCall | None, bool]:
    """A `syscall` file: the call a thread is blocked in (None if it runs), and whether it is blocked outside any."""
    words = text.split()
    if not words or words[0] == "running":
        return None, False
    if words[0] == "-1":
        return None, True
    return SystemCall(call_name(int(words[0])), tuple(int(word, 16) for word in words[1:7])), False


def parse_counters(status: dict[str, str], schedstat: str | None) -> Counters:
    """The counters from a parsed `status` and the text of `schedstat` (None where there is none)."""
    preempted = int(status["nonvoluntary_ctxt_switches"])
    switches = int(status["voluntary_ctxt_switches"]) + preempted
    if schedstat is None:
        return Counters(switches, preempted=preempted)
    cpu, delay, slices = (int(word) for word in schedstat.split())
    return Counters(switches, cpu, delay, slices, preempted)


def _socket_kind(pid: int, fd: int) -> DescriptorKind:
    # A socket outside the TCP table: of another family, or a TCP socket that is neither listening nor connected.
    try:
        found = kernel.borrow_socket(pid, fd)
    except PermissionError:
        return DescriptorKind.OTHER  # this machine does not let us look at it
    with found as borrowed:
        if borrowed.family == socket.AF_UNIX:
            return DescriptorKind.UNIX
        if borrowed.family not in (socket.AF_INET, socket.AF_INET6):
            return DescriptorKind.OTHER
        return _INTERNET_KINDS.get(borrowed.type, DescriptorKind.OTHER)


def _user_timeout(pid: int, fd: int) -> int:
    try:
        return kernel.user_timeout(pid, fd)
    except PermissionError:
        return _NOT_TOLD


def _timers_seen_in(text: str) -> int:
    return sum(line.startswith("ID:") for line in text.splitlines())


@dataclass
class ProcReader:
    """Reads the server's tree: every process of the namespace that is not one of `helpers`.

    `output_inode` is the pipe that the grader drains. `schedstat` is False where the kernel's figures do not move,
    `calls` where it does not tell the system call that a thread is in: then nothing can be proved.
    `students` are the folders that the submission can write to. `reaper` is the helper that waits for those whose own
    parent has ended; `shared_before` is how much shared memory the machine had when this began.
    """

    helpers: set[int] = field(default_factory=set)
    output_inode: int = 0
    schedstat: bool = True
    students: tuple[str, ...] = ()
    calls: bool = True
    root: str = "/proc"
    reaper: int = 0
    shared_before: int = field(default_factory=unmapped.shared_memory_of_the_machine)
    main: int = field(default=0, init=False)
    in_background: bool = field(default=False, init=False)

    def pids(self) -> list[int]:
        """The process ids of the tree, zombies included.

        The first that is ever there is `main`; of a server `in_background` it is always the eldest that is left.
        """
        found = [pid for pid in _numbers(self.root) if pid not in self.helpers]
        self._choose_main(found)
        return found

    def _choose_main(self, found: list[int]) -> None:
        if not self.main or (self.in_background and self.main not in found):
            self.main = min(found, default=self.main)

    def look(self) -> Pass:
        """One pass over all threads.

        The order within one thread matters: switches are read before the call and schedstat after it. The kernel
        names a call only while the thread is off the CPU, so equal figures in two passes leave no room for a
        wake-up in between.
        """
        began = time.monotonic_ns()
        samples: list[ThreadSample] = []
        zombies = 0
        for pid in self.pids():
            try:
                tids = _numbers(f"{self.root}/{pid}/task")
            except OSError:
                continue
            alive = [s for s in (self._sample(pid, tid) for tid in tids) if s and s.state not in "ZX"]
            zombies += not alive
            samples += runtimes.marked(alive, self.students)
        return Pass(began, time.monotonic_ns(), tuple(samples), zombies)

    def look_at(self, threads: Iterable[tuple[int, int]]) -> Pass:
        """One pass over only these threads, each a process and a thread id; those that have ended are left out."""
        began = time.monotonic_ns()
        samples = [sample for pid, tid in threads if (sample := self._sample(pid, tid))]
        return Pass(began, time.monotonic_ns(), tuple(samples))

    def _sample(self, pid: int, tid: int) -> ThreadSample | None:
        base = f"{self.root}/{pid}/task/{tid}"
        try:
            status = parse_status(_read(f"{base}/status"))
            call, outside = self._call(base)
            counters = parse_counters(status, _read(f"{base}/schedstat") if self.schedstat else None)
            kernels = runtimes.is_the_kernels(status["Name"], lambda: stat_words(tid, f"{self.root}/{pid}/task"))
        except (OSError, KeyError, ValueError):
            return None  # it ended while we looked
        return ThreadSample(
            pid=pid,
            tid=tid,
            name=status["Name"],
            state=status["State"][0],
            call=call,
            counters=counters,
            at_ns=time.monotonic_ns(),
            outside=outside,
            runtime=kernels,
            pending_signals=any(int(status[mask], 16) for mask in ("SigPnd", "ShdPnd")),
        )

    def _call(self, base: str) -> tuple[SystemCall | None, bool]:
        if not self.calls:
            return None, False
        try:
            return parse_call(_read(f"{base}/syscall"))
        except PermissionError:
            # It has given up its memory and is about to end, or keeps others from reading it (PR_SET_DUMPABLE in
            # prctl(2)); it is there all the same.
            return None, False

    def threads(self) -> list[int]:
        """The id of every thread of the whole tree."""
        found: list[int] = []
        for pid in self.pids():
            with contextlib.suppress(OSError):
                found += map(int, os.listdir(f"{self.root}/{pid}/task"))
        return found

    def open_descriptors(self) -> int:
        """How many descriptors all processes have open, 0 where the kernel does not tell (before Linux 6.2).

        It tells as the size of a folder of descriptors (proc_pid_fd(5)), so that none has to be read for this.
        """
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += os.stat(f"{self.root}/{pid}/fd").st_size  # noqa: PTH116 - hot
        return total

    def cpu_seconds(self) -> float:
        """CPU time that the tree has used so far: the living processes, and the ended ones that were waited for."""
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += time.clock_gettime(~pid << 3 | _SCHEDULED_CLOCK) + self._cpu_of_children(pid)
        with contextlib.suppress(OSError):
            total += self._cpu_of_children(self.reaper) if self.reaper else 0.0
        return total

    def _cpu_of_children(self, pid: int) -> float:
        """CPU seconds of the children of a process that have ended and been waited for (cutime, cstime in proc(5))."""
        words = stat_words(pid, self.root)
        return (int(words[_CHILDREN_USER]) + int(words[_CHILDREN_SYSTEM])) / _TICKS

    def memory(self, allowed: int) -> int:
        """Resident bytes of the whole tree.

        What processes share counts once, as smaps_rollup tells it. That is slow to read, so it is asked only when
        the quick sum, in which it counts for each of them, is more than `allowed`.
        """
        pids = self.pids()
        quick = sum(self._figure(pid, "statm", _RESIDENT_PAGES) for pid in pids) * os.sysconf("SC_PAGE_SIZE")
        hidden = self._unmapped(pids, allowed)
        if quick + hidden <= allowed:
            return quick + hidden
        return sum(self._figure(pid, "smaps_rollup", _PROPORTIONAL_KB) for pid in pids) * 1024 + hidden

    def _unmapped(self, pids: list[int], allowed: int) -> int:
        """Bytes of files of memory and segments that nobody has mapped.

        To find them takes a while, so nobody looks before the machine's shared memory has grown by a good part of
        `allowed`. What of them is mapped stands in the resident size, together with libraries: that is taken off.
        """
        if unmapped.shared_memory_of_the_machine() - self.shared_before < allowed // _WORTH_A_LOOK:
            return 0
        held = self._segments() + unmapped.files_of_memory(pids)
        if not held:
            return 0
        mapped = sum(self._figure(pid, "statm", _SHARED_PAGES) for pid in pids) * os.sysconf("SC_PAGE_SIZE")
        return max(held - mapped, 0)

    def _segments(self) -> int:
        return unmapped.segments()

    def _figure(self, pid: int, file: str, pattern: re.Pattern[str]) -> int:
        try:
            found = pattern.search(_read(f"{self.root}/{pid}/{file}"))
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def processes(self, sockets: tuple[TcpSocket, ...], *, flags: bool = True) -> tuple[Process, ...]:
        """Every live process with its descriptors; `sockets` tells TCP sockets from other kinds.

        `flags`: also whether each is nonblocking, which a proof has no need of and which takes twice as long.
        """
        known = {entry.inode: entry for entry in sockets}
        found = (self._process(pid, known, flags=flags) for pid in self.pids())
        return tuple(process for process in found if process)

    def _process(self, pid: int, sockets: Mapping[int, TcpSocket], *, flags: bool) -> Process | None:
        base = f"{self.root}/{pid}"
        try:
            status = parse_status(_read(f"{base}/status"))
            if status["State"][0] in "ZX":
                return None
            descriptors = tuple(self._descriptors(pid, sockets, flags=flags))
        except (OSError, KeyError):
            return None
        caught = int(status["SigCgt"], 16)
        taken = functools.reduce(operator.or_, (d.signals for d in descriptors), 0)
        return Process(
            pid=pid,
            parent=int(status["PPid"]),
            command=status["Name"],
            descriptors=descriptors,
            alarm_caught=bool((caught | taken) & TIMER_SIGNALS),
            caught=caught,
            posix_timers=self._posix_timers(pid),
            open_sockets=sum(d.target.startswith("socket:") for d in descriptors),
            memory=int(status.get("VmRSS", "0 kB").split()[0]) * 1024,
        )

    def _posix_timers(self, pid: int) -> int | None:
        try:
            return _timers_seen_in(_read(f"{self.root}/{pid}/timers"))
        except OSError:
            return None

    def _descriptors(self, pid: int, sockets: Mapping[int, TcpSocket], *, flags: bool) -> list[Descriptor]:
        found = []
        for fd in _numbers(f"{self.root}/{pid}/fd"):
            try:
                found.append(self._descriptor(pid, fd, sockets, flags=flags))
            except OSError:
                continue  # closed while we looked
        return found

    def _descriptor(self, pid: int, fd: int, sockets: Mapping[int, TcpSocket], *, flags: bool) -> Descriptor:
        target = os.readlink(f"{self.root}/{pid}/fd/{fd}")
        kind = _ANONYMOUS.get(target, DescriptorKind.OTHER)
        inode = user_timeout = 0
        if match := _SOCKET.fullmatch(target):
            inode = int(match[1])
            kind = DescriptorKind.TCP if inode in sockets else _socket_kind(pid, fd)
            if inode in sockets and sockets[inode].remote_port and sockets[inode].send_queue:
                user_timeout = _user_timeout(pid, fd)
        elif match := _PIPE.fullmatch(target):
            inode = int(match[1])
            kind = DescriptorKind.OUTPUT if inode == self.output_inode else DescriptorKind.PIPE
        wanted = kind in _WITH_MEMBERS or (flags and inode)
        info = _read(f"{self.root}/{pid}/fdinfo/{fd}") if wanted else ""
        watched = {int(number): int(events, 16) for number, events in _WATCHED.findall(info)}
        status, signals = _STATUS_FLAGS.search(info), _SIGNALS.search(info)
        return Descriptor(
            fd=fd,
            kind=kind,
            inode=inode,
            nonblocking=bool(status and int(status[1], 8) & _NONBLOCKING),
            watches=tuple(sorted(watched)),
            edges=tuple(fd for fd in sorted(watched) if watched[fd] & _EDGE_TRIGGERED == _EDGE_TRIGGERED),
            writable=tuple(fd for fd in sorted(watched) if watched[fd] & _LEVEL_WRITABLE == select.EPOLLOUT),
            target=target,
            user_timeout=user_timeout,
            signals=int(signals[1], 16) if signals else 0,
        )


def schedstat_moves() -> bool:
    """Whether this kernel keeps schedstat figures: watches them move while this very thread works.

    The work is bounded in the thread's own CPU time, many times the longest scheduler tick (10 ms).
    """
    path = "/proc/thread-self/schedstat"
    try:
        before = int(_read(path).split()[0])
        deadline = time.thread_time_ns() + 50_000_000
        while time.thread_time_ns() < deadline:
            if int(_read(path).split()[0]) > before:
                return True
    except (OSError, ValueError, IndexError):
        return False
    return False


def own_time() -> Callable[[], int]:
    """A function that tells how many nanoseconds this thread has run or waited for a CPU.

    Where the kernel does not tell how long it has waited, only how long it has run.
    """
    try:
        fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return time.thread_time_ns

    def told() -> int:
        return sum(map(int, os.pread(fd, 64, 0).split()[:2]))

    weakref.finalize(told, os.close, fd)
    return told
