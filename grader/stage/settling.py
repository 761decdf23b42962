"""`settle()`: wait until something is so, or is proved never to be so, or until the server has spent its budget.

It is the one primitive under every wait of the grader; nothing here waits for a fixed time.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import select
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from grader.arena.server import RunningServer
from grader.clients.crowd import Crowd
from grader.clients.journal import Journal
from grader.evidence.abilities import Abilities
from grader.evidence.collector import Collector
from grader.evidence.procfs import ProcReader
from grader.evidence.records import ClientState, Evidence, Pass, Wait
from grader.evidence.shared_table import SharedTable
from grader.evidence.sock_diag import SocketTable
from grader.evidence.tree import TreeReader
from grader.evidence.waits import read_wait
from grader.judgement import expectations, outcome, proof
from grader.judgement.budget import Account, Budget, Spent
from grader.judgement.duty import LONG, PLAINLY_BUSY, SHORT, Duty, Movers, Passing, Turns, measure
from grader.judgement.expectations import Expectation, Kernel
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.judgement.lifelines import Lifelines
from grader.judgement.limits import Allowed, Used, exceeded
from grader.judgement.outcome import How, Outcome
from grader.judgement.usage import Usage
from grader.report.model import Basis, Verdict
from grader.stage.guest import Guest
from grader.words import say, together

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.005
_DUTY_STEP, _DUTY_WALL = 0.01, 120.0
_MORE_THAN_RESTING = 0.1
_ROUNDED = 2 / os.sysconf("SC_CLK_TCK")  # of the CPU seconds of children, those in user and in kernel mode
_MEMORY_LOOK = 0.02
_STILL_IN_GO = 0.2
_LAST_WORDS = 1.0
_WATCHED, _WATCHED_BLINDLY = 0.5, 2.0
_ACCEPTING = Budget(wall=5.0, of_the_check=True)
_WAITS = say("it waits with a time limit")
_RESTING = Budget(cpu=0.1, wakeups=6, wall=5.0, least=0, of_the_check=True, rest=True)
_DYING = Budget(cpu=0.5, wakeups=1, wall=2.0, least=0)


@dataclass
class Settling:
    """One running server, the clients that are on the stage, and the evidence of both.

    `allowed_use` is what the server's tree may use, and `written` tells how many bytes of files it has; `schedstat` is
    False where the kernel keeps no CPU figures; `throttled` tells the nanoseconds lost to a CPU quota, `own_time` those
    that the grader itself has run or wanted to; `language` is that of the submission. `abilities` are what the kernel
    tells of the server. `ours` are the connections that are no stranger's, each as its port and the client's. What is
    seen on the way is told to `usage`.
    """

    server: RunningServer
    schedstat: bool
    allowed_use: Allowed
    written: Callable[[], int] = lambda: 0
    throttled: Callable[[], int] = lambda: 0
    own_time: Callable[[], int] = time.thread_time_ns
    language: str = ""
    abilities: Abilities = field(default_factory=Abilities)
    ours: set[tuple[int, int]] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    guests: list[Guest] = field(default_factory=list, init=False)
    journal: Journal = field(default_factory=Journal, init=False)
    lifelines: Lifelines = field(default_factory=Lifelines, init=False)
    began_ns: int = field(default_factory=time.monotonic_ns, init=False)
    latest: tuple[Wait, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.table: SocketTable = SharedTable() if self.server.shared else SocketTable()
        self.crowd = Crowd()
        self.attend(self.server)
        self._gone: list[ClientState] = []
        self._next_police = 0.0
        self._last_move: tuple[object, float] = ((), 0.0)
        self._still: tuple[object, float] = ((), 0.0)
        self._waited = (0, 0)

    def attend(self, server: RunningServer) -> None:
        """This is the server from now on."""
        self.server = server
        self.usage.new_server()
        self.printed_before = self._most_threads = 0
        self._by_the_clock = False
        self.reader = self._reader(server)
        self.collector = Collector(self.reader, self.table, self._states)

    def _reader(self, server: RunningServer) -> ProcReader:
        reading = (server.helpers, server.output_inode, self.schedstat, server.writable, self.abilities.calls)
        if not isinstance(self.table, SharedTable):
            return ProcReader(*reading, reaper=server.first)
        tree = TreeReader(*reading, first=server.first, reaped=server.reaped)
        self.table.belongs_to(tree.sockets)
        return tree

    def _states(self) -> tuple[ClientState, ...]:
        return (*(guest.client.state() for guest in self.guests), *self._gone)

    def forget(self, guests: list[Guest]) -> None:
        """Clients who have left are not moved any more; that their end arrives is still asked of a proof."""
        gone = {id(guest) for guest in guests}
        self._gone += [guest.client.state() for guest in guests]
        self.guests = [guest for guest in self.guests if id(guest) not in gone]

    # Waiting.

    def settle(
        self,
        expectation: Expectation,
        budget: Budget | None = None,
        *,
        by_runtime: bool = False,
        to_the_last: bool = False,
    ) -> Outcome:
        """Wait until the expectation is met, broken, proved impossible, or the budget is spent.

        `by_runtime`: the language's runtime may do what is expected, so nothing is proved while it has something timed.
        `to_the_last`: the server is not over with its first process, as long as that has left others.

        Raises:
            CheckFailed: the server had to be stopped because it used more than it may.
        """
        account = Account(budget or Budget().for_clients(len(self.guests)), time.monotonic_ns())
        of_the_check = budget is None or budget.of_the_check
        if of_the_check:
            account.before_ns, account.before_delay_ns = self._waited
        try:
            found = self._settle(
                expectation, account, by_runtime=by_runtime, to_the_last=to_the_last, moves=of_the_check
            )
            self._by_the_clock |= found.how is How.SPENT and found.quiet
        finally:
            if of_the_check:
                self._waited = account.total(time.monotonic_ns())
        if self._most_threads > self.allowed_use.processes:
            self.require_within_limits()  # the last look is the first that showed them all
        return found

    def _settle(
        self, expectation: Expectation, account: Account, *, by_runtime: bool, to_the_last: bool, moves: bool
    ) -> Outcome:
        progress, moved = expectation.progress(), -1
        pause, began_own_ns, again, next_look, asked = _SHORTEST_PAUSE, self.own_time(), False, 0.0, 0.0
        while True:
            account.tick(time.monotonic_ns(), self.own_time() - began_own_ns, int(asked * 1e9))
            self.pump()
            self._police()  # before anything else: a server that always answers at once is looked at, too
            lasting = to_the_last and bool(self.reader.pids())
            if found := self._observed(expectation, over=not lasting):
                return found
            if (now := expectation.progress()) != progress:
                progress, pause = now, _SHORTEST_PAUSE
                account.restart(time.monotonic_ns())
            if (asked := max(next_look - time.monotonic(), 0)) > 0:
                self._wait(asked)  # a client can move: where many are answered in turn, not each is worth a look
                continue
            began = time.monotonic()
            look, waits = self.look()
            waited_for = by_runtime and any(wait.runtime and wait.limit is not None for wait in waits)
            if account.budget.rest and self._stands_blindly(look):
                seen = self.collector.complete(look) if asleep(look) and self.abilities.kernel else None
                why = say("it did not move for {seconds:.0f} s", seconds=_WATCHED_BLINDLY)
                return Outcome(How.SPENT, why, seen, look, quiet=seen is not None)
            evidence = self.collector.complete(look) if asleep(look) and not waited_for else None
            self.usage.processes(evidence.processes if evidence else ())
            if evidence and (found := self._decided(evidence, expectation, account.budget)):
                return self._last_word(expectation, over=not lasting) or found
            account.add(look, waits)
            if account.worn and moves:
                # A server that reads or writes a long message byte by byte gets further, before a reply shows it; and
                # one that has not yet accepted everybody is not at rest, however often it has woken up.
                before, moved = moved, self._moved()
                if before < moved:
                    account.restart(time.monotonic_ns())
            if what := account.spent(time.monotonic_ns()):
                return self._last_word(expectation, over=not lasting) or outcome.spent(what, look, evidence)
            # Where a short nap ended meanwhile, the next has just begun: no time is better for a second look.
            again = bool(evidence and account.budget.rest and not again)
            ended = time.monotonic()
            next_look = ended if again else ended + max(pause, 3 * (ended - began))
            asked = next_look - ended
            self._wait(asked)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _decided(self, evidence: Evidence, expectation: Expectation, budget: Budget) -> Outcome | None:
        if isinstance(proof.prove(evidence), proof.Proof):
            if self.alone:
                return outcome.stuck(evidence, expectation)
            if not budget.rest:
                still = self._stood_for(evidence.second) >= _WATCHED
                return outcome.still(evidence, expectation, _WATCHED) if still else None
        if budget.rest and (outcome.resting(evidence) or self._rests_in_go(evidence)):
            return Outcome(How.SPENT, _WAITS, evidence, evidence.second, quiet=True)
        if budget.rest and outcome.resting(evidence, queue=False):
            return Outcome(How.SPENT, _WAITS, evidence, evidence.second, queued=True)
        if seconds := outcome.sleeps_too_long(evidence, budget.wall, time.monotonic() - self.server.started):
            what = Spent(say("it sleeps for {seconds:.0f} s, and nothing can happen before", seconds=seconds))
            return outcome.spent(what, evidence.second, evidence)
        return None

    def rest(self, unless: Expectation = expectations.NEVER) -> Outcome:
        """Let the server come to rest: STUCK means asleep without time limit, SPENT that it polls or spins.

        MET: what is expected of it, `unless` it rests before, has come.
        One that naps between two clients is not at rest as long as it still accepts them; one that accepts nobody for
        as long as it takes to be let go is.
        """
        self._next_police = 0.0
        resting = _RESTING.for_clients(len(self.guests))
        found = self.settle(unless, resting)
        if found.how is not How.SPENT or found.quiet or not self._queued():
            return found
        all_accepted = Kernel("every client accepted", lambda: not self._queued(), lambda: -self._queued())
        accepted = self.settle(all_accepted, _ACCEPTING.for_clients(len(self.guests)))
        if accepted.starved or accepted.how not in (How.MET, How.SPENT):
            return accepted
        found = self.settle(unless, resting)
        return replace(found, quiet=True) if found.queued else found

    @property
    def alone(self) -> bool:
        """Whether nobody but the grader can reach the server: only then can it be proved stuck."""
        return not isinstance(self.table, SharedTable)

    def strangers(self) -> int:
        """How many connections of somebody else are, or were just now, at the server's ports."""
        return len(self.table.connections() - self.ours) if isinstance(self.table, SharedTable) else 0

    def _stood_for(self, look: Pass) -> float:
        """For how many seconds every look has shown the same threads, none of which has run."""
        counters = [(sample.pid, sample.tid, sample.counters) for sample in look.threads]
        if counters != self._still[0]:
            self._still = counters, time.monotonic()
        return time.monotonic() - self._still[1]

    def _stands_blindly(self, look: Pass) -> bool:
        """Where it cannot be seen for how long threads wait: whether all have been asleep for a good while."""
        if self.abilities.kernel and self.abilities.sockets:
            return False
        sleeping = bool(look.threads) and all(sample.state == "S" for sample in look.threads)
        return self._stood_for(look) >= _WATCHED_BLINDLY and sleeping

    def _rests_in_go(self, evidence: Evidence) -> bool:
        """Go's runtime handles every signal, timers' too, so that alone keeps no server of Go's from rest for long."""
        moves = [(sample.pid, sample.tid, sample.counters.switches) for sample in evidence.second.threads]
        if moves != self._last_move[0]:
            self._last_move = moves, time.monotonic()
        still = time.monotonic() - self._last_move[1] > _STILL_IN_GO
        return self.language == "go" and still and outcome.asleep_but_for_alarms(evidence)

    def _ports(self) -> set[int]:
        return {guest.client.server_port for guest in self.guests}

    def _queued(self) -> int:
        """How many clients the server has not accepted."""
        ports = self._ports()
        return sum(entry.receive_queue for entry in self.table.read_listeners() if entry.local_port in ports)

    def _moved(self) -> int:
        """How much the server has done: clients accepted, bytes of theirs read, and bytes handed over for them."""
        ports = self._ports()
        ours = (entry for entry in self.table.read() if entry.remote_port and entry.local_port in ports)
        return sum(bool(e.inode) + e.received - e.receive_queue + e.acknowledged + e.send_queue for e in ours)

    def _last_word(self, expectation: Expectation, *, over: bool) -> Outcome | None:
        self.pump()
        return self._observed(expectation, over=over)

    def _observed(self, expectation: Expectation, *, over: bool = True) -> Outcome | None:
        if expectation.met():
            return Outcome(How.MET)
        if over and self.server.poll() is not None:
            return self._ended(expectation)
        # Where the end of the last is waited for, those who are left are the server.
        self.reader.in_background = self.server.in_background or not over
        if trouble := expectation.broken():
            return self._why_broken(expectation, trouble)
        return None

    def _ended(self, expectation: Expectation) -> Outcome:
        """What is said must not depend on what was heard first: the server's end, or that of its connections.

        So those that it took with it are not told of, nor how far each had come; a wrong byte before is.
        """
        # One that could not have more processes may end because of that: then this is what it is told.
        self.require_within_limits()
        deadline = time.monotonic() + _LAST_WORDS
        self.pump()
        while any(guest.client.hears for guest in self.guests) and time.monotonic() < deadline:
            self._wait(_LONGEST_PAUSE)
            self.pump()
        if expectation.met():
            return Outcome(How.MET)
        wrong = (
            say("{client}: {mismatch}", client=guest.name, mismatch=guest.transcript.mismatch.words)
            for guest in self.guests
            if guest.transcript.mismatch
        )
        return Outcome(How.ENDED, together([*itertools.islice(wrong, 1), self._end_in_words()]))

    def _why_broken(self, expectation: Expectation, trouble: str) -> Outcome:
        # A server that is dying closes its sockets a moment before it is gone; then its death is the better answer.
        dying = Kernel("its end", lambda: self.server.poll() is not None)
        account = Account(_DYING, time.monotonic_ns())
        while not dying.met():
            look, waits = self.look()
            account.add(look, waits)
            if look.threads and (asleep(look) or account.spent(time.monotonic_ns())):
                return Outcome(How.BROKEN, trouble, look=look)
            self._wait(_SHORTEST_PAUSE)
        return self._ended(expectation)

    def _end_in_words(self) -> str:
        status = self.server.poll()
        self.server.output.drain()
        lines = [line for line in self.server.output.text.strip().splitlines() if line.strip()]
        if not lines or not status:
            return say("the server ended with status {status}", status=str(status))
        return say(
            'the server ended with status {status} and said "{last_line}"',
            status=status,
            last_line=lines[-1].strip()[:200],
        )

    def require_within_limits(self) -> None:
        """Look now whether the server uses more than the spec allows.

        Raises:
            CheckFailed: it does; it has been stopped.
        """
        self._next_police = 0.0
        self._police()

    def _police(self) -> None:
        """Stop a server that uses more than the spec allows; looked at often, but not at every turn."""
        now = time.monotonic()
        if now < self._next_police:
            return
        self._next_police = now + _MEMORY_LOOK
        used = Used(
            memory=self.reader.memory(self.allowed_use.memory),
            processes=max(len(self.reader.threads()), self._most_threads),
            disk=self.written(),
            cpu=self.reader.cpu_seconds(),
        )
        self.usage.memory(used.memory)
        self.usage.descriptors(self.reader.open_descriptors())
        if words := exceeded(used, self.allowed_use):
            self.server.end_processes()
            facts: dict[str, Fact] = dict(dataclasses.asdict(used))
            raise CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, words, facts, doing="limits", ended=True))

    # Looking.

    def look(self, threads: Iterable[tuple[int, int]] | None = None) -> tuple[Pass, tuple[Wait, ...]]:
        """One pass over the server's threads (or only some) with what each blocked one waits for, for the picture."""
        look = self.collector.look() if threads is None else self.reader.look_at(threads)
        if threads is None:
            self._most_threads = max(self._most_threads, len(look.threads))
            self.usage.look(look)
        waits = tuple(wait for sample in look.threads if (wait := read_wait(sample)))
        if self.abilities.calls:
            self.lifelines.add(look, waits)
        self.latest = waits
        return look, waits

    def duty(self, ceiling: float, rest: Outcome) -> Duty | None:
        """The duty, over as much of the server's own time as it takes to tell it from `ceiling`; None if unknown.

        `rest` is what came of letting it rest. One that was once seen to rest and to wait for the clock may just be at
        work for a moment, as that has told it to.

        A timed wait must have run out at least once, be it one that a thread fell into only meanwhile: who sleeps for
        a second and then spins for one is quiet in many a short window. A wait of many seconds is as good as rest.
        """

        def told(found: Duty, turns: Turns, movers: Movers) -> Duty | None:
            # Of threads that run by turns and seldom get to run, a small share does not show that they want no more.
            below = found.share <= ceiling < movers.by_turns(found).share
            spins = rest.busy and not self._by_the_clock
            long_enough = found.told_from(ceiling, whole_turn=turns.whole, spins=spins)
            return found if long_enough and not below else None

        return self._measured(told)

    def busier(self, before: Outcome, rest: Outcome) -> Duty | None:
        """The duty of a server that has become busy between two rests; None if it was busy before, or is not now.

        Who slept without time limit before, and has something to do by the clock now, is not to use a core's tenth.
        """
        if before.how is not How.STUCK or rest.busy:
            return None if before.busy else self.spin(rest)
        duty = self.duty(_MORE_THAN_RESTING, rest) if rest.how is How.SPENT and not rest.starved else None
        return duty if duty and duty.share > _MORE_THAN_RESTING else None

    def spin(self, rest: Outcome) -> Duty | None:
        """The duty of a server whose rest is that it runs without pause; None if it does not plainly do so."""

        def told(found: Duty, turns: Turns, movers: Movers) -> Duty | None:
            found = movers.by_turns(found)
            spins = not self._by_the_clock
            return found if found.told_from(PLAINLY_BUSY, whole_turn=turns.whole, spins=spins) else None

        duty = self._measured(told) if rest.busy else None
        return duty if duty and duty.share >= PLAINLY_BUSY else None

    def spins(self) -> bool:
        """Whether the server runs without pause, while no client does anything; to run for a moment is not to spin."""

        def told(found: Duty, _: Turns, movers: Movers) -> Duty | None:
            found = movers.by_turns(found)
            # One that waits for its turn only may be seen alone for a while.
            alone = movers.wait_for_one_thing and found.share < PLAINLY_BUSY
            return found if found.own_seconds >= (LONG if alone else SHORT) else None

        duty = self._measured(told, moving=False)
        return duty is not None and duty.share >= PLAINLY_BUSY

    def _measured(self, told: Callable[[Duty, Turns, Movers], Duty | None], *, moving: bool = True) -> Duty | None:
        """The first duty for which `told` gives one, None if there is none; `moving`: the clients go on meanwhile."""
        if not self.abilities.kernel:
            return None  # it cannot be told when a timed wait has run out
        (before, waits), throttled, used = self.look(), self.throttled(), self.reader.cpu_seconds()
        turns, movers, passing = Turns(before, waits), Movers(before), Passing(before)
        deadline = time.monotonic() + _DUTY_WALL
        while time.monotonic() < deadline and self.server.poll() is None:
            if moving:
                self._wait(_DUTY_STEP)
                self.pump()
            else:
                select.select([] if self.server.output.ended else [self.server.output.fd], [], [], _DUTY_STEP)
                self.server.output.drain()
            tree = self.reader.cpu_seconds() - used
            now, waits = self.look()
            turns.add(now, waits)
            movers.add(now)
            passing.add(now)
            found = measure(before, now, self.throttled() - throttled, round((tree - _ROUNDED) * 1e9), passing)
            if found is None:
                return None
            if duty := told(found, turns, movers):
                return duty
        return None

    def pump(self) -> None:
        """Move every client and take the server's output."""
        self.server.output.drain()
        self.crowd.pump()

    def _wait(self, seconds: float) -> None:
        """Until a client can move, the server prints or ends, or it is time for another look."""
        self.crowd.watch_also(self.server.output.fd, watched=not self.server.output.ended)
        self.crowd.wait(seconds)


def asleep(look: Pass) -> bool:
    """Whether every thread was seen asleep in a system call: only then is it worth asking for a proof."""
    return bool(look.threads) and all(sample.state == "S" and sample.call for sample in look.threads)
