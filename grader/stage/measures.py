"""What a server holds and how it spends its time: counted, and looked at more closely than for a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from grader.evidence.native import call_in
from grader.evidence.records import Evidence, Frame, Pass, Stack, ThreadSample, Wait
from grader.evidence.runtimes import runtime_of
from grader.evidence.stacks import is_python, read_stacks
from grader.judgement import counts as counting
from grader.judgement.counts import Counts
from grader.judgement.expectations import Kernel
from grader.judgement.finding import CheckFailed, Finding
from grader.judgement.io_model import Scene
from grader.judgement.outcome import How
from grader.report.model import Basis, Verdict
from grader.stage.verdicts import Judging
from grader.words import say

_LOOKS, _BETWEEN_LOOKS = 40, 0.0003
_PROCESSES_READ, _THREADS_READ = 4, 64


@dataclass(kw_only=True)
class Measuring(Judging):
    """A server that is measured.

    `symbols` tells what addresses of a compiled program of the submission are called in its source, `lines` what that
    says.
    """

    symbols: Callable[[str, Sequence[int]], list[tuple[Frame, ...]]] = lambda *_: []
    lines: Callable[[str], list[str]] = lambda _: []

    def threads(self) -> int:
        """How many threads all processes have, without those that the language's runtime keeps for itself."""
        return len(self.look()[0].students)

    def memory_held(self) -> int:
        """How many bytes the server holds now, those that its processes share counted once."""
        return self.reader.memory(0)

    def printed(self) -> str:
        """What the server has printed, as far as it is kept."""
        self.server.output.drain()
        return self.server.output.text

    def counts(self) -> Counts:
        """What the server holds now; of a Go program no threads, because its runtime makes them as it sees fit."""
        processes = self.collector.processes()
        self.usage.processes(processes)
        held = counting.count(self.collector.look(), processes)
        return replace(held, threads=0) if self.language == "go" else held

    def gives_back(self, held: Counts) -> bool:
        """Wait until the server holds no more of anything than `held`; whether that comes within its budget."""
        less = Kernel(
            "what it holds to be given back",
            lambda: not counting.exceeds(self.counts(), held),
            lambda: -counting.total(self.counts()),
        )
        return self.settle(less).how is How.MET

    def regains(self, held: Counts) -> bool:
        """Wait until the server has as many threads as in `held`; whether that comes within its budget."""
        more = Kernel(
            "workers that are gone to be replaced",
            lambda: self.counts().threads >= held.threads,
            lambda: self.counts().threads,
        )
        return self.settle(more).how is How.MET

    def scene(self, *, watch: bool = False) -> Scene:
        """The server as it comes to rest with the clients that are connected now; `watch` how it spends its time.

        Raises:
            CheckFailed: it has ended; or inconclusive, because it was kept from running, or the kernel does not tell
                enough.
        """
        if not self.abilities.kernel:
            words = say("this machine does not tell what the server's threads wait in, so its model is not known")
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words))
        found = self.rest()
        if found.starved:
            raise CheckFailed(self.finding(found, say("the server could not come to rest")))
        if found.how is How.ENDED:
            raise CheckFailed(self.finding(found, say("it did not last while silent clients came"), doing="io_model"))
        look = found.look or self.look()[0]
        evidence = found.evidence if found.at_rest else None
        processes = self.reader.processes(evidence.sockets) if evidence else self.collector.processes()
        alive = sum(guest.client.alive for guest in self.guests)
        naps = self._naps(evidence) if watch and found.how is not How.STUCK else ()
        sockets = evidence.sockets if evidence else self.table.read()
        return Scene(alive, evidence.first if evidence else look, processes, evidence, sockets, naps)

    def _naps(self, evidence: Evidence | None) -> tuple[Wait, ...]:
        """What a server that is not asleep for good was seen waiting in, in many looks at moments of no pattern.

        Threads that `evidence` shows asleep without time limit are not looked at again.
        """
        asleep = tuple(wait for wait in evidence.waits if wait.limit is None) if evidence else ()
        still = {(wait.pid, wait.tid) for wait in asleep}
        others = {(s.pid, s.tid) for s in evidence.first.threads} - still if evidence else None
        seen: dict[object, Wait] = {}
        for number in range(_LOOKS):
            for wait in (*asleep, *self.look(others)[1]):
                seen.setdefault((wait.pid, wait.tid, wait.kind, wait.reads, wait.writes), wait)
            self._wait(_BETWEEN_LOOKS * (1 + number % 7))
        return tuple(seen.values())

    def stacks(self, look: Pass, times: int = 1) -> tuple[Stack, ...]:
        """Where the threads of the first processes of a pass stand in their source; in Python read `times` times."""
        pids = {pid for pid in _first(look, _PROCESSES_READ) if not is_python(pid)}
        compiled = [sample for sample in look.threads if sample.pid in pids and sample.call]
        return (*self.python_stacks(look, times), *self._compiled_stacks(compiled[:_THREADS_READ]))

    def python_stacks(self, look: Pass, times: int = 1, processes: int = _PROCESSES_READ) -> tuple[Stack, ...]:
        """Where the threads of the first processes of a pass stand in their Python source, read `times` times."""
        pids = _first(look, processes)
        return tuple(stack for _ in range(times) for pid in pids for stack in read_stacks(pid, self.server.inside))

    def unread(self, look: Pass, stacks: Sequence[Stack], processes: int = _PROCESSES_READ) -> bool:
        """Whether one of the first processes of a pass runs Python, and none of these stacks is of it."""
        return any(is_python(pid) for pid in {*_first(look, processes)} - {stack.pid for stack in stacks})

    def _compiled_stacks(self, samples: Sequence[ThreadSample]) -> Iterator[Stack]:
        calls: dict[str, dict[int, list[ThreadSample]]] = {}
        for sample in samples:
            if found := call_in(sample.pid, sample.tid, self.server.inside):
                program, address = found
                calls.setdefault(program, {}).setdefault(address, []).append(sample)
        for program, places in calls.items():
            for alike, frames in zip(places.values(), self.symbols(program, tuple(places)), strict=False):
                yield from (Stack(sample.pid, sample.tid, sample.name, frames) for sample in alike)

    def runtimes(self, look: Pass) -> tuple[str, ...]:
        """The language runtimes of the first processes of a pass, of those that have one: java, node, go."""
        pids = _first(look, _PROCESSES_READ)
        built_by_go = self.language == "go"
        return tuple(name for pid in pids if (name := runtime_of(pid, self.server.writable, built_by_go=built_by_go)))


def _first(look: Pass, processes: int) -> list[int]:
    return sorted({sample.pid for sample in look.threads})[:processes]
