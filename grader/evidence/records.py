"""What was seen, as frozen records: no socket, no process, nothing that can change after it was written down.

Times are `time.monotonic_ns()` of the reader. CPU time, run delay and slices are those of
`/proc/PID/task/TID/schedstat` (Documentation/scheduler/sched-stats.rst): nanoseconds on a CPU, nanoseconds
runnable but not running, and how often the thread was put on a CPU.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SystemCall:
    """The call a thread is blocked in, as `/proc/PID/task/TID/syscall` shows it: name and six raw arguments."""

    name: str
    args: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counters:
    """How far a thread has got; equal counters mean that it has not run in between.

    `switches` is voluntary plus involuntary context switches, `preempted` the latter alone. The three schedstat figures
    are None where the kernel does not keep them.
    """

    switches: int
    cpu_ns: int | None = None
    delay_ns: int | None = None
    slices: int | None = None
    preempted: int = 0


@dataclass(frozen=True, slots=True)
class ThreadSample:
    """One look at one thread.

    `state` is the letter of `/proc/PID/status` (S asleep, R runnable, D uninterruptible, T stopped, Z zombie).
    `call` is None when the thread was on a CPU or blocked outside any system call (`outside`). `runtime`: the
    language's runtime keeps it for itself (grader.evidence.runtimes).
    """

    pid: int
    tid: int
    name: str
    state: str
    call: SystemCall | None
    counters: Counters
    at_ns: int
    outside: bool = False
    pending_signals: bool = False
    runtime: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over every thread of the server's tree, zombies left out (they can do nothing)."""

    began_ns: int
    ended_ns: int
    threads: tuple[ThreadSample, ...]
    zombies: int = 0

    @property
    def students(self) -> tuple[ThreadSample, ...]:
        """The threads that no language's runtime keeps for itself."""
        return tuple(sample for sample in self.threads if not sample.runtime)


class WaitKind(StrEnum):
    """What a blocked thread waits for, whatever variant of the system call it used."""

    ACCEPT = "accept"
    RECV = "recv"
    SEND = "send"
    CONNECT = "connect"
    READ = "read"
    WRITE = "write"
    SELECT = "select"
    POLL = "poll"
    EPOLL = "epoll"
    FUTEX = "futex"
    SLEEP = "sleep"
    CHILD = "child"
    SIGNAL = "signal"
    IO_URING = "io_uring"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Wait:
    """A blocked call with its pointers read.

    `limit` is the wait's time limit in seconds, None when it has none. `reads` and `writes` are the descriptors
    whose readiness ends it. `unreadable` says why the limit or the set could not be read: then nothing follows.
    `runtime`: it is that of a thread which the language's runtime keeps for itself.
    """

    pid: int
    tid: int
    kind: WaitKind
    call: str
    limit: float | None = None
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    unreadable: str = ""
    runtime: bool = False


class DescriptorKind(StrEnum):
    """What a descriptor refers to; OTHER is anything whose wakers we do not know."""

    TCP = "tcp"
    UDP = "udp"
    UNIX = "unix"
    PIPE = "pipe"
    OUTPUT = "output"
    EVENTFD = "eventfd"
    EPOLL = "epoll"
    PIDFD = "pidfd"
    SIGNALFD = "signalfd"
    TIMERFD = "timerfd"
    IO_URING = "io_uring"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One open descriptor. `inode` identifies sockets and pipes.

    `watches` are the targets of an epoll set, and `edges` those of them about which the server wants to know,
    edge-triggered, when there is something to read: of that the set tells once. `writable` are those about which it
    wants to know, level-triggered, when there is room to write.
    OUTPUT is the pipe that the grader drains: whoever waits to write to it waits for us. `user_timeout` (ms) is that
    of a TCP socket with unacknowledged bytes, 0 for none (TCP_USER_TIMEOUT, tcp(7)). `signals` are
    those that a signalfd takes, as a mask, the lowest bit for signal 1.
    """

    fd: int
    kind: DescriptorKind
    inode: int = 0
    nonblocking: bool = False
    watches: tuple[int, ...] = ()
    edges: tuple[int, ...] = ()
    writable: tuple[int, ...] = ()
    target: str = ""
    user_timeout: int = 0
    signals: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the tree between two passes.

    `alarm_caught`: SIGALRM, SIGVTALRM or SIGPROF has a handler, or a signalfd takes it. `caught` are the signals that
    have a handler, as a mask, the lowest bit for signal 1. `posix_timers` is None where the kernel does not say.
    `open_sockets` counts socket descriptors; `memory` is resident bytes.
    """

    pid: int
    parent: int
    command: str
    descriptors: tuple[Descriptor, ...] = ()
    alarm_caught: bool = False
    posix_timers: int | None = 0
    open_sockets: int = 0
    memory: int = 0
    caught: int = 0


class TcpState(StrEnum):
    """States of a TCP socket (include/net/tcp_states.h)."""

    ESTABLISHED = "ESTABLISHED"
    SYN_SENT = "SYN_SENT"
    SYN_RECV = "SYN_RECV"
    FIN_WAIT1 = "FIN_WAIT1"
    FIN_WAIT2 = "FIN_WAIT2"
    TIME_WAIT = "TIME_WAIT"
    CLOSE = "CLOSE"
    CLOSE_WAIT = "CLOSE_WAIT"
    LAST_ACK = "LAST_ACK"
    LISTEN = "LISTEN"
    CLOSING = "CLOSING"


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One TCP socket of the namespace (sock_diag(7)).

    For LISTEN `receive_queue` is the number of connections waiting for accept() and `send_queue` the backlog;
    otherwise they are bytes received and not read, and bytes sent and not acknowledged. `in_flight` is segments
    on the way, `unsent` bytes held back by the peer's window, `received` bytes ever received, `acknowledged` bytes ever
    sent that the peer's kernel has taken. `inode` is 0 while no process owns the socket (not yet accepted, or already
    closed).
    """

    state: TcpState
    local_port: int
    remote_port: int
    local_address: str = "127.0.0.1"
    receive_queue: int = 0
    send_queue: int = 0
    in_flight: int = 0
    unsent: int = 0
    received: int = 0
    acknowledged: int = 0
    inode: int = 0


class ClientPhase(StrEnum):
    """Where one of our own connections stands."""

    CONNECTING = "connecting"
    OPEN = "open"
    HALF_CLOSED = "half_closed"
    CLOSED = "closed"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class ClientState:
    """What one reference client has done, at the moment of the evidence.

    `sent` is bytes handed to the kernel, `unsent` bytes still held by the client (`can_send`: its socket would take
    more now), `unread` bytes waiting in its socket, `readable` whether bytes, an end or an error wait there to be read,
    `reads` False while it deliberately does not read, `refused` whether nobody listened when it connected.
    """

    name: str
    phase: ClientPhase
    local_port: int
    server_port: int
    sent: int = 0
    received: int = 0
    unsent: int = 0
    can_send: bool = False
    unread: int = 0
    readable: bool = False
    reads: bool = True
    ended: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a proof may rest on: two passes, and what was read between them.

    `main` is the process that was started, 0 where that is not known.
    """

    first: Pass
    second: Pass
    processes: tuple[Process, ...]
    waits: tuple[Wait, ...]
    sockets: tuple[TcpSocket, ...]
    clients: tuple[ClientState, ...]
    main: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a thread's stack, innermost first in a `Stack`; `file` is relative to the submission if in it."""

    function: str
    file: str
    line: int
    own: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """The frames of one thread; `tid` as the grader's side numbers it."""

    pid: int
    tid: int
    thread: str
    frames: tuple[Frame, ...] = field(default=())

    @property
    def own_frame(self) -> Frame | None:
        """The innermost frame in the submission's own files, or None."""
        return next((frame for frame in self.frames if frame.own), None)
