"""What a rule of the diagnosis may look at, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from grader.evidence.records import Evidence, Frame, Process, Stack, TcpSocket, TcpState, Wait, WaitKind
from grader.judgement import counts, source
from grader.judgement.finding import Fact
from grader.judgement.source import Traceback
from grader.judgement.transcript import Mismatch
from grader.spec import Protocol

SETS = {WaitKind.SELECT, WaitKind.POLL, WaitKind.EPOLL}
ONE_THREAD = {"select", "poll", "epoll", "selectors", "asyncio", "event_loop", "io_uring", "nonblocking"}
"""The models in which one thread serves everybody."""
ONE_BY_ONE = {"blocking", "socketserver"}
"""The models in which one thread serves one client after the other."""
_SAYING_HOW_MUCH = {"send", "sendto", "sendmsg"}
POOLS = {"thread_pool", "prefork"}


@dataclass(frozen=True, slots=True)
class Misheard:
    """The first wrong byte that a client received, and the first bytes of all that was due."""

    mismatch: Mismatch
    due: bytes = b""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at. `doing` is what the check was about; `spinning`: the server runs without pause.

    `stacks` are those of the deciding moment, several of them for a thread that spins; `sources` are the lines of
    the student's files by name; `processes` and `sockets` were read after the verdict. `wrong` is of each
    client who received a wrong byte; `turned_away` names those whom the server hung up on while they waited for a
    reply, and `complained`: it has printed a traceback. `status` is that of a server that has ended;
    `processes_seen` is how many it ever had. `workers` is what serves the clients, and
    `workers_asked` what the spec lets serve them ("single", "threads", "processes", "pool").
    """

    doing: str
    summary: str
    ended: bool
    spinning: bool
    evidence: Evidence | None
    sockets: tuple[TcpSocket, ...]
    stacks: tuple[Stack, ...]
    sources: dict[str, list[str]]
    traceback: Traceback | None
    workers: str = ""
    workers_asked: tuple[str, ...] = ()
    model: str = ""
    unserved: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    wrong: tuple[Misheard, ...] = ()
    turned_away: tuple[str, ...] = ()
    complained: bool = False
    protocol: Protocol | None = None
    status: int | None = None
    processes_seen: int = 1

    @property
    def grew(self) -> str:
        """What grew with every round ("sockets", "zombies"...), "" if that is not what was found."""
        return next((name for name, words in counts.WORDS.items() if self.summary.startswith(f"{words} grew")), "")

    @property
    def sees_lines(self) -> bool:
        """Whether what is asked and answered are lines."""
        return self.protocol is not None and self.protocol.reply in ("lines", "table", "broadcast")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the submission, where one is known."""

    file: str | None = None
    line: int | None = None


Answer = tuple[str, Place]
Rule = Callable[[Case], Answer | None]


def own_frames(case: Case) -> list[Frame]:
    """The student's own innermost frame of each stack that has one."""
    return [frame for stack in case.stacks if (frame := stack.own_frame)]


def place_of(case: Case, wait: Wait | None = None) -> Place:
    """Where the thread that waits so (or the first) stands in the student's code."""
    for stack in case.stacks:
        frame = stack.own_frame
        if frame and (wait is None or (stack.pid, stack.tid) == (wait.pid, wait.tid)):
            return Place(frame.file, frame.line)
    return Place()


def crash_place(case: Case) -> Place:
    """Where the exception that ended it came through the student's code."""
    return Place(case.traceback.file, case.traceback.line) if case.traceback else Place()


def only_call(case: Case, names: set[str]) -> Place:
    """The one line of the sources that calls something of these names that is not their own; nowhere, if several do."""
    own = source.own_names(case.sources)
    return only_line(case, lambda lines: source.call_lines(lines, names, own))


def only_line(case: Case, find: Callable[[list[str]], list[int]]) -> Place:
    """The one line that `find` finds in all of the sources; nowhere, if it finds several or none."""
    found = {(name, line) for name, lines in case.sources.items() for line in find(lines)}
    return Place(*next(iter(found))) if len(found) == 1 else Place()


def ignores_send(case: Case) -> Callable[[list[str]], list[int]]:
    """What finds the lines of Python that throw away how much was sent; sendall() takes all, and never tells."""
    own = source.own_names(case.sources)

    def found(lines: list[str]) -> list[int]:
        written = [line for line in source.statement_lines(lines, {"write"}, own) if "os.write(" in lines[line - 1]]
        return sorted({*source.statement_lines(lines, _SAYING_HOW_MUCH, own), *written})

    return found


def sends_blindly(case: Case) -> bool:
    """Whether there is such a line."""
    return any(map(ignores_send(case), case.sources.values()))


def only_wait(case: Case, kinds: set[WaitKind]) -> Wait | None:
    """What the only thread waits in, if it is one of these."""
    if case.evidence is None or len(case.evidence.waits) != 1:
        return None
    wait = case.evidence.waits[0]
    return wait if wait.kind in kinds else None


def listening_inodes(sockets: tuple[TcpSocket, ...]) -> set[int]:
    """The sockets that listen."""
    return {entry.inode for entry in sockets if entry.state is TcpState.LISTEN}


def queued(sockets: tuple[TcpSocket, ...]) -> bool:
    """Whether somebody waits to be accepted."""
    return any(entry.state is TcpState.LISTEN and entry.receive_queue for entry in sockets)
