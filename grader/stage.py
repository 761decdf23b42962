"""Where a server, its clients and the evidence meet: what a behaviour acts on.

Its one primitive is `settle()`: wait until something is so, until it is proved that it can never be so, or until the
server has spent its budget. Nothing here waits for a fixed time.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from grader.arena.server import RunningServer
from grader.clients.client import Client
from grader.clients.journal import Journal
from grader.evidence.collector import Collector
from grader.evidence.procfs import ProcReader
from grader.evidence.records import ClientPhase, ClientState, Evidence, Pass, TcpSocket, Wait
from grader.evidence.sock_diag import SocketTable
from grader.evidence.waits import read_wait
from grader.judgement import counts as counting
from grader.judgement import expectations, outcome, proof
from grader.judgement.budget import Account, Budget, Spent
from grader.judgement.counts import Counts
from grader.judgement.duty import Duty, measure
from grader.judgement.expectations import Answered, Connected, Expectation, Kernel
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.judgement.io_model import Scene
from grader.judgement.lifelines import Lifelines
from grader.judgement.outcome import How, Outcome
from grader.judgement.transcript import Reply, Transcript
from grader.report.model import Basis, Observed, Verdict

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.005
_DUTY_STEP, _DUTY_LEAST, _DUTY_MOST, _DUTY_WALL = 0.02, 0.2, 2.0, 30.0
_PLAINLY_BUSY = 0.5
_STARTING_WAKEUPS = 1000
_MEMORY_LOOK = 0.02
_RESTING = Budget(cpu=0.1, wakeups=6, wall=20.0)


@dataclass
class Guest:
    """A client together with what it should receive."""

    client: Client
    transcript: Transcript

    @property
    def name(self) -> str:
        """The client's name in every sentence and picture."""
        return self.client.name

    @property
    def phase(self) -> ClientPhase:
        """Where the connection stands on our side."""
        return self.client.phase

    @property
    def ending(self) -> str:
        """How the server ended the connection: "", "fin" or "reset"."""
        return self.client.ending

    @property
    def refused(self) -> str:
        """Why it could not connect, "" if it could."""
        return self.client.refused

    def ask(self, message: bytes) -> None:
        """Send a request; its reply is expected from now on."""
        self.transcript.expect(message)
        self.client.send(message)


@dataclass
class Stage:
    """One running server with its clients.

    `preferred_port` is taken where the server listens on several; `memory` (bytes) is what its tree may hold;
    `throttled` tells the nanoseconds lost to a CPU quota; `allowed` are the facets of the spec's model.
    """

    server: RunningServer
    reply: Reply
    schedstat: bool
    preferred_port: int
    memory: int
    throttled: Callable[[], int] = lambda: 0
    guests: list[Guest] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)
    notes: list[str] = field(default_factory=list)
    allowed: dict[str, list[str]] = field(default_factory=dict)
    model_name: str = ""
    observed: Observed | None = None
    listener: TcpSocket | None = None

    def __post_init__(self) -> None:
        self.table = SocketTable()
        self.reader = ProcReader(self.server.helpers, self.server.output_inode, self.schedstat)
        self.collector = Collector(self.reader, self.table, self._states)
        self.lifelines = Lifelines()
        self.began_ns = time.monotonic_ns()
        self._made = 0
        self._next_police = 0.0
        self._gone: list[ClientState] = []

    def _states(self) -> tuple[ClientState, ...]:
        return (*(guest.client.state() for guest in self.guests), *self._gone)

    def begin(self) -> None:
        """A new check begins: a clean journal, and clients are counted from 1 again."""
        self.journal, self.lifelines = Journal(), Lifelines()
        self.guests, self._gone, self._made, self.observed = [], [], 0, None
        self.began_ns = time.monotonic_ns()

    # -- clients ------------------------------------------------------------------------------------------------

    def connect(self, count: int = 1, receive_buffer: int | None = None) -> list[Guest]:
        """Connect clients, no faster than the listener's queue takes them.

        Raises:
            CheckFailed: one could not be connected.
        """
        return [self._connect_one(receive_buffer) for _ in range(count)]

    def connect_some(self, count: int) -> list[Guest]:
        """Connect up to `count` clients: fewer if the server is proved to take no more.

        Raises:
            CheckFailed: one could not be connected for any other reason.
        """
        guests: list[Guest] = []
        while len(guests) < count:
            try:
                guests.append(self._connect_one(None))
            except CheckFailed as failure:
                if failure.finding.basis is not Basis.PROOF:
                    raise
                break
        return guests

    def _connect_one(self, receive_buffer: int | None) -> Guest:
        listener = self.listener
        assert listener is not None  # noqa: S101 - a stage is handed out only when its server listens
        self._made += 1
        name = f"client {self._made}"
        room = Kernel("room in the listener's queue", self._has_room, self._queue_length, (name,))
        self.require(room, f"{name} could not connect, the listener's queue is full")
        transcript = Transcript(name, self.reply)
        guest = Guest(Client(name, self.journal, transcript.take), transcript)
        guest.client.connect(reachable(listener.local_address), listener.local_port, receive_buffer)
        self.guests.append(guest)
        self.require(Connected([guest]), f"{name} could not connect")
        return guest

    def _listeners(self) -> tuple[TcpSocket, ...]:
        return self.table.read_listeners()

    def _has_room(self) -> bool:
        return all(expectations.has_room(entry) for entry in self._listeners() if self._is_ours(entry))

    def _queue_length(self) -> int:
        return -sum(entry.receive_queue for entry in self._listeners() if self._is_ours(entry))

    def _is_ours(self, entry: TcpSocket) -> bool:
        return self.listener is not None and entry.local_port == self.listener.local_port

    def dismiss(self, guests: Sequence[Guest]) -> None:
        """Let clients leave politely, and forget them."""
        for guest in guests:
            guest.client.close()
        self.forget(guests)

    def forget(self, guests: Sequence[Guest]) -> None:
        """Clients who have left need no more attention, once the server's kernel knows that they have."""
        gone = {id(guest) for guest in guests}
        self._gone += [guest.client.state() for guest in guests]
        self.guests = [guest for guest in self.guests if id(guest) not in gone]

    def taken(self, guest: Guest) -> Kernel:
        """Expect that the server has read everything that this client sent."""
        return Kernel("every byte read by the server", lambda: self._all_taken(guest), waiting=(guest.name,))

    def _all_taken(self, guest: Guest) -> bool:
        client = guest.client
        for entry in self.table.read():
            if (entry.local_port, entry.remote_port) == (client.server_port, client.local_port):
                return not client.wants_to_write and entry.received >= client.sent and entry.receive_queue == 0
        return bool(client.ending)

    # -- waiting ------------------------------------------------------------------------------------------------

    def require(self, expectation: Expectation, otherwise: str, *, doing: str = "", **facts: Fact) -> Outcome:
        """Settle, and end the check if the expectation is not met; `otherwise` begins the sentence that says so.

        Raises:
            CheckFailed: with the finding.
        """
        found = self.settle(expectation)
        if found.how is not How.MET:
            raise CheckFailed(self.finding(found, otherwise, doing=doing, unserved=expectation.unmet(), **facts))
        return found

    def answered(self, guests: Sequence[Guest], otherwise: str, *, doing: str = "", **facts: Fact) -> Outcome:
        """Require the complete reply for every one of these clients."""
        return self.require(Answered(guests), otherwise, doing=doing, **facts)

    def settle(self, expectation: Expectation, budget: Budget | None = None) -> Outcome:
        """Wait until the expectation is met, broken, proved impossible, or the budget is spent."""
        account = Account(budget or Budget().for_clients(len(self.guests)), time.monotonic_ns())
        progress = expectation.progress()
        pause = _SHORTEST_PAUSE
        while True:
            self.pump()
            if found := self._observed(expectation):
                return found
            began = time.monotonic()
            if (now := expectation.progress()) != progress:
                progress, pause = now, _SHORTEST_PAUSE
                account.restart(time.monotonic_ns())
            self._police()
            look, waits = self.look()
            evidence = self.collector.complete(look) if _asleep(look) else None
            if evidence and (found := self._decided(evidence, expectation, resting=budget is _RESTING)):
                return self._last_word(expectation) or found
            account.add(look, waits)
            if what := account.spent(time.monotonic_ns()):
                return self._last_word(expectation) or outcome.spent(what, look, evidence)
            self._wait(max(pause, time.monotonic() - began))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _police(self) -> None:
        """Stop a server that holds more memory than the spec allows; looked at often, but not at every turn."""
        now = time.monotonic()
        if now < self._next_police:
            return
        self._next_police = now + _MEMORY_LOOK
        if (held := self.reader.memory()) > self.memory:
            self.server.end_processes()
            words = f"stopped: it held {held >> 20} MiB of memory, {self.memory >> 20} MiB are allowed"
            raise CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, words, {"memory": held}, ended=True))

    def _observed(self, expectation: Expectation) -> Outcome | None:
        if expectation.met():
            return Outcome(How.MET)
        if self.server.poll() is not None:
            self.pump()
            if expectation.met():
                return Outcome(How.MET)
            return Outcome(How.ENDED, self._end_in_words())
        if trouble := expectation.broken():
            return self._why_broken(trouble)
        return None

    def _why_broken(self, trouble: str) -> Outcome:
        # A server that is dying closes its sockets a moment before it is gone; then its death is the better answer.
        dying = Kernel("its end", lambda: self.server.poll() is not None)
        account = Account(Budget(cpu=0.5, wakeups=1, wall=2.0), time.monotonic_ns())
        while not dying.met():
            look, waits = self.look()
            account.add(look, waits)
            if look.threads and (_asleep(look) or account.spent(time.monotonic_ns())):
                return Outcome(How.BROKEN, trouble, look=look)
            self._wait(_SHORTEST_PAUSE)
        self.pump()
        return Outcome(How.ENDED, f"{trouble}; {self._end_in_words()}")

    def _end_in_words(self) -> str:
        status = self.server.poll()
        self.server.output.drain()
        lines = [line for line in self.server.output.text.strip().splitlines() if line.strip()]
        said = f' and said "{lines[-1].strip()[:200]}"' if lines and status else ""
        return f"the server ended with status {status}{said}"

    def _decided(self, evidence: Evidence, expectation: Expectation, *, resting: bool) -> Outcome | None:
        if isinstance(proof.prove(evidence), proof.Proof):
            return outcome.stuck(evidence, expectation)
        if resting and outcome.resting(evidence):
            return Outcome(How.SPENT, "it waits with a time limit", evidence, evidence.second)
        if seconds := outcome.sleeps_too_long(evidence):
            what = Spent(f"it sleeps for {seconds:.0f} s, and nothing can happen before")
            return outcome.spent(what, evidence.second, evidence)
        return None

    def _last_word(self, expectation: Expectation) -> Outcome | None:
        self.pump()
        return self._observed(expectation)

    def rest(self) -> Outcome:
        """Let the server come to rest: STUCK means asleep without time limit, SPENT that it polls or spins."""
        return self.settle(expectations.NEVER, _RESTING)

    def look(self) -> tuple[Pass, tuple[Wait, ...]]:
        """One pass over the server's threads with what each blocked one waits for, noted for the picture."""
        look = self.collector.look()
        waits = tuple(wait for sample in look.threads if (wait := read_wait(sample)))
        self.lifelines.add(look, waits)
        return look, waits

    def pump(self) -> None:
        """Move every client and take the server's output."""
        self.server.output.drain()
        for guest in self.guests:
            while guest.client.pump():
                pass

    def _wait(self, seconds: float) -> None:
        """Until a client can move, the server prints or ends, or it is time for another look."""
        poller = select.poll()
        if not self.server.output.ended:
            poller.register(self.server.output.fd, select.POLLIN)
        for guest in self.guests:
            if (fd := guest.client.fileno()) >= 0:
                events = select.POLLIN if guest.client.wants_to_read else 0
                events |= select.POLLOUT if guest.client.wants_to_write else 0
                if events:
                    poller.register(fd, events)
        poller.poll(seconds * 1000)

    # -- findings -----------------------------------------------------------------------------------------------

    def fail(
        self, found: Outcome, otherwise: str, guests: Sequence[Guest], *, doing: str = "", **facts: Fact
    ) -> NoReturn:
        """End the check with an outcome that is not what it should be."""
        unserved = tuple(guest.name for guest in guests if not guest.transcript.complete)
        raise CheckFailed(self.finding(found, otherwise, doing=doing, unserved=unserved, **facts))

    def fail_observed(self, summary: str, *, doing: str = "", **facts: Fact) -> NoReturn:
        """End the check with something that was seen."""
        raise CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, summary, facts, look=self.look()[0], doing=doing))

    def finding(
        self, found: Outcome, otherwise: str, *, doing: str = "", unserved: tuple[str, ...] = (), **facts: Fact
    ) -> Finding:
        """An unmet outcome as a finding."""
        return Finding(
            verdict=found.verdict,
            basis=found.basis,
            summary=f"{otherwise}: {found.why}" if found.why else otherwise,
            facts=facts,
            evidence=found.evidence,
            look=found.look,
            doing=doing,
            unserved=unserved,
            ended=found.how is How.ENDED,
        )

    # -- measures -----------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """What the server holds now."""
        return counting.count(self.collector.look(), self.collector.processes())

    def scene(self) -> Scene:
        """The server as it comes to rest with the clients that are connected now."""
        found = self.rest()
        look = found.look or self.look()[0]
        evidence = found.evidence if not found.busy else None
        processes = evidence.processes if evidence else self.collector.processes()
        alive = sum(guest.client.alive for guest in self.guests)
        return Scene(alive, evidence.first if evidence else look, processes, evidence)

    def duty(self, ceiling: float) -> Duty | None:
        """The duty, over as much of the server's own time as it takes to tell it from `ceiling`; None if unknown."""
        before, throttled = self.look()[0], self.throttled()
        deadline = time.monotonic() + _DUTY_WALL
        while time.monotonic() < deadline and self.server.poll() is None:
            self._wait(_DUTY_STEP)
            self.pump()
            duty = measure(before, self.look()[0], self.throttled() - throttled)
            if duty is None:
                return None
            if duty.own_seconds < _DUTY_LEAST:
                continue
            if duty.share <= ceiling or duty.share >= _PLAINLY_BUSY or duty.own_seconds >= _DUTY_MOST:
                return duty
        return None

    # -- start and end ------------------------------------------------------------------------------------------

    def open(self, seconds: float) -> Outcome:
        """Wait until the server listens, for at most `seconds`; the port is observed, never assumed."""
        budget = Budget(cpu=seconds / 2, wakeups=_STARTING_WAKEUPS, wall=seconds)
        found = self.settle(Kernel("a listening socket", self._find_listener), budget)
        if len(ports := self.listening_ports()) > 1:
            listed = ", ".join(map(str, ports))
            self.notes.append(f"The server listens on several ports ({listed}); port {self.port} was used.")
        return found

    def _find_listener(self) -> bool:
        owned = [entry for entry in self._listeners() if entry.inode]
        owned.sort(key=lambda entry: (entry.local_port != self.preferred_port, entry.local_port))
        self.listener = owned[0] if owned else None
        return bool(owned)

    def listening_ports(self) -> list[int]:
        """Every port that the server listens on."""
        return sorted({entry.local_port for entry in self._listeners() if entry.inode})

    @property
    def port(self) -> int:
        """The observed port, 0 before there is one."""
        return self.listener.local_port if self.listener else 0

    def close(self) -> None:
        """End the server and every client."""
        with contextlib.suppress(OSError):
            self.server.output.drain()
        for guest in self.guests:
            guest.client.close()
        self.server.end()
        self.table.close()


def _asleep(look: Pass) -> bool:
    return bool(look.threads) and all(sample.state == "S" and sample.call for sample in look.threads)


def reachable(address: str) -> str:
    """The address at which to reach a listener that is bound to `address`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - nothing is bound here

