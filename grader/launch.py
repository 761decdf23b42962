"""Starts a submission's server inside the arena, as often as the checks need one: built, clean, listening."""

from __future__ import annotations

import re
import resource
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from grader.arena import ports, sandbox, submission, symbols
from grader.arena.files import write_files
from grader.arena.ground import Ground
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.server import RunningServer, run_to_end
from grader.arena.submission import Submission
from grader.behaviours.hands import Place
from grader.evidence.abilities import abilities
from grader.evidence.procfs import own_time, schedstat_moves
from grader.evidence.records import Evidence, Frame, Wait, WaitKind
from grader.evidence.throttle import throttle_reader
from grader.judgement.budget import Budget
from grader.judgement.expectations import Answered, Kernel
from grader.judgement.finding import CheckFailed, Finding
from grader.judgement.levels import arena_info
from grader.judgement.limits import Allowed
from grader.judgement.outcome import How, Outcome
from grader.judgement.protocols import conversation
from grader.judgement.usage import Usage
from grader.report.model import Basis, ServerOutput, Verdict
from grader.spec import Spec
from grader.stage import Stage
from grader.stage.stage import reachable
from grader.words import say

_BUILD_SECONDS, _SYMBOL_SECONDS = 60.0, 5.0
_EXTRA_ADDRESS_SPACE = 2 << 30
_EXTRA_PROCESSES = 32  # so that it is seen to have too many before it meets the kernel's own limit
_CANNOT_EXECUTE = (126, 127)
_SOON = 0.1
_IN_BACKGROUND = say(
    "The server went into the background: its first process ended with status 0 and left others running, and these "
    "were judged. A server that stays in the foreground is easier to watch and to stop."
)
_PORT_TAKEN = re.compile(r"address already in use|EADDRINUSE|\berrno 98\b", re.IGNORECASE)
_ONE_TURN = Budget(cpu=0.1, wakeups=2, wall=1.0, least=0)


@dataclass
class Launch:
    """One submission's server: `ground` is the arena's, `output` what the longest-talking run printed.

    `references` are the servers of ours, by name, that some check measures the submission against.

    Raises:
        ArenaUnavailableError: this machine does not let us see what the server does.
    """

    spec: Spec
    work: Submission
    ground: Ground
    references: Mapping[str, Submission] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    output: ServerOutput = field(default_factory=ServerOutput)
    starts: int = 0

    def __post_init__(self) -> None:
        self.workspace = self.ground.workspace
        self.source = self.workspace / "source"
        self.stage: Stage | None = None
        self._fresh: object = None
        self._port = self.spec.server.port
        self._schedstat = schedstat_moves()
        self._abilities = abilities()
        if not self._abilities.descriptors:
            words = say(
                "this machine does not let the grader see which sockets a server holds (/proc/PID/fd); "
                "a /proc that shows the grader's own processes is needed"
            )
            raise ArenaUnavailableError(words)
        self.arena = arena_info(
            self.ground.isolation,
            self._abilities,
            schedstat=self._schedstat,
            obstacle=self.ground.obstacle,
            kept_root=self.ground.kept_root,
        )
        self._ours = ports.connections() if self.ground.shared else set()
        self._ports = {self._port}
        self._throttled, self._own_time = throttle_reader(), own_time()
        self._own_files = sandbox.raise_own_files()
        self.usage = Usage(time.monotonic_ns(), self._throttled)

    # Building.

    def build(self) -> Finding | None:
        """Write the submission's files and build them, where there is something to build; a finding if that fails."""
        write_files(self.work.files, self.source)
        if not self.work.build:
            return None
        status, output = self._run(self.source, self.work, self.work.build)
        if status == 0:
            return None
        self.output = ServerOutput(text=output, total_bytes=len(output), kept_bytes=len(output))
        if status in _CANNOT_EXECUTE:
            self._require_program(self.work.build)
        program, *words = self.work.build
        command = " ".join((Path(program).name, *words))
        how = say("the build ({command}) ended with status {status}", command=command, status=str(status))
        if status is None:
            how = say("the build ({command}) took longer than {seconds:.0f} s", command=command, seconds=_BUILD_SECONDS)
        return Finding(Verdict.FAIL, Basis.OBSERVATION, how, doing="build", ended=True)

    def _run(
        self,
        folder: Path,
        work: Submission,
        argv: tuple[str, ...],
        seconds: float = _BUILD_SECONDS,
        *,
        beside: bool = False,
    ) -> tuple[int | None, str]:
        scratch = self.workspace / ("scratch-beside" if beside else "scratch")
        program, bounds = self._program(work, argv), self._bounds(work)
        return run_to_end(folder, scratch, program, bounds, seconds, self.ground.start, beside=beside)

    def _program(self, work: Submission, argv: tuple[str, ...]) -> sandbox.Program:
        settings = {**work.toolchain.environment, **self.spec.server.env}
        environment = sandbox.environment(self.spec.server.port, settings)
        return sandbox.Program(argv, environment, work.toolchain.shown)

    def _bounds(self, work: Submission) -> sandbox.Bounds:
        limits, language = self.spec.limits, work.language
        address_space = resource.RLIM_INFINITY if language.reserves else limits.memory * 4 + _EXTRA_ADDRESS_SPACE
        return sandbox.Bounds(
            files=limits.files,
            processes=limits.processes + _EXTRA_PROCESSES + language.threads,
            address_space=address_space,
        )

    def place(self) -> Place:
        """Where the submission runs, for people who run it themselves."""
        listener = self.stage.listener if self.stage else None
        return Place(
            build=self.work.build,
            run=self.work.run,
            environment={"PORT": str(self.spec.server.port), **self.spec.server.env},
            host=reachable(listener.local_address) if listener else "127.0.0.1",
            port=listener.local_port if listener else self.spec.server.port,
            files=self.spec.limits.files,
        )

    # Starting.

    def start(self) -> Finding | None:
        """Start a fresh server in a fresh network; a finding if it does not come to listen.

        Raises:
            ArenaUnavailableError: the program that is to run the submission cannot be run on this machine.
        """
        self.stage = self._started()
        failed = self._opened(self.stage)
        if failed and failed.doing != "limits" and self.ground.shared and ports.lingering(self._ports):
            # Elsewhere each server has a network that nobody has used before; here it has to be waited for.
            self.end()
            ports.wait_until_free(self._ports)
            self.stage = self._started()
            failed = self._opened(self.stage)
        return self._blamed(failed) if failed and self.ground.shared else failed

    def _blamed(self, failed: Finding) -> Finding:
        """A server that cannot have its port because of somebody else on this machine is not to blame."""
        assert self.stage is not None  # noqa: S101 - it has just failed
        says_so = _PORT_TAKEN.search(self.stage.printed())
        if failed.verdict is not Verdict.FAIL or not (says_so or any(map(ports.listened_on, self._ports))):
            return failed
        words = say(
            "its port may be taken by somebody else on this machine, so this says nothing: {what}",
            what=failed.summary,
        )
        return replace(failed, verdict=Verdict.INCONCLUSIVE, basis=Basis.OBSERVATION, summary=words)

    def _started(self) -> Stage:
        self.ground.renew()
        self.starts += 1
        folder, scratch = self.workspace / "run", self.workspace / "scratch"
        for old in (folder, scratch):
            shutil.rmtree(old, ignore_errors=True)
        submission.copy_files(self.source, folder)
        return Stage(
            server=self._run_in(folder, self.work),
            conversation=conversation(self.spec.protocol),
            schedstat=self._schedstat,
            preferred_port=self._port,
            allowed_use=self._allowed_use(),
            written=self._written(),
            throttled=self._throttled,
            own_time=self._own_time,
            allowed=self.spec.facets(),
            pool=self.spec.pool,
            descriptors=min(self._bounds(self.work).files_allowed, self._own_files),
            model_name=self.spec.model_name,
            language=self.work.language.name,
            startup=self.spec.limits.startup,
            port_moved=self.ground.port_moved,
            abilities=self._abilities,
            ours=self._ours,
            usage=self.usage,
            run_again=self._run_again,
            symbols=self._symbols,
            lines=partial(submission.source_lines, self.work.files),
        )

    def _symbols(self, program: str, addresses: Sequence[int]) -> list[tuple[Frame, ...]]:
        argv = symbols.asking(program, addresses)
        if not argv:
            return []
        try:
            status, output = self._run(self.workspace / "run", self.work, argv, _SYMBOL_SECONDS, beside=True)
        except OSError:
            return []  # the server has left no room for it; then its line is not told
        # Without namespaces it was built in one folder, and runs in another.
        folders = (sandbox.INSIDE, str(self.source), str(self.workspace / "run"))
        return symbols.frames(output, folders) if status == 0 else []

    def _allowed_use(self) -> Allowed:
        limits = self.spec.limits
        processes = limits.processes + self.work.language.threads
        return Allowed(limits.memory, processes, limits.disk, limits.cpu)

    def _written(self) -> Callable[[], int]:
        """How much the arena's files have grown from now on: nobody but the submission writes there."""
        before = self.ground.used()
        return lambda: self.ground.used() - before

    def _run_in(self, folder: Path, work: Submission) -> RunningServer:
        program, cap = self._program(work, work.run), self.spec.limits.output
        return self.ground.start(folder, self.workspace / "scratch", program, self._bounds(work), cap)

    def _run_again(self, reference: str) -> RunningServer:
        if not reference:
            return self._run_in(self.workspace / "run", self.work)
        work, folder = self.references[reference], self.workspace / f"reference-{reference.replace('/', '_')}"
        if not folder.exists():
            write_files(work.files, folder)
            if work.build and (status := self._run(folder, work, work.build)[0]):
                words = say(
                    "the reference server {name} cannot be built: status {status}", name=reference, status=status
                )
                raise ArenaUnavailableError(words)
        return self._run_in(folder, work)

    def _opened(self, stage: Stage) -> Finding | None:
        try:
            found = stage.open()
            if found.how is How.ENDED and stage.server.poll() in _CANNOT_EXECUTE:
                self._require_program(self.work.run)
            if found.how is not How.MET:
                return stage.finding(found, say("the server did not come to listen"), doing="start")
            self._ports.add(stage.port)
            rest = stage.rest()
            # At rest it may listen on more than the port on which it was first seen to.
            stage.listener = next(iter(stage.listeners()), stage.listener)
            self._ports.add(stage.port)
            if len(stage.listeners()) > 1 and self._port != stage.port:
                return self._with_right_port(stage)
            self._fresh = signature(rest.evidence) if rest.at_rest else None
        except CheckFailed as stopped:
            return stopped.finding
        return None

    def _require_program(self, argv: tuple[str, ...]) -> None:
        """That nothing could be executed may be this machine's fault: ask without the submission having a say."""
        program = argv[0]
        if "/" in program and not program.startswith("/"):
            return  # a file of the submission's own
        status, output = self._run(self.source, self.work, ("sh", "-c", 'command -v -- "$0"', program))
        if status:
            words = say(
                "this machine cannot run {command} in the sandbox: {error}", command=program, error=output.strip()
            )
            raise ArenaUnavailableError(words)

    def _with_right_port(self, stage: Stage) -> Finding | None:
        """Of several ports and none that was offered, the one that answers as the protocol asks."""
        ports = [listener.local_port for listener in stage.listeners()]
        self._port = next((e.local_port for e in stage.listeners() if _answers(stage, e.local_port)), ports[0])
        listed = ", ".join(map(str, ports))
        self.notes.append(
            say(
                "The server listens on several ports ({ports}); {port} was the one to answer.",
                ports=listed,
                port=self._port,
            )
        )
        self.end()
        return self.start()

    # Ending.

    def keep_if_as_it_began(self) -> None:
        """End the server, unless it is provably as it was when it had just started: then the next check may have it.

        Of one that did not even come to rest then that is never known.
        """
        stage = self.stage
        if stage is None:
            return
        if stage.used_up or self._fresh is None:
            self.end()
            return
        try:
            stage.dismiss(stage.guests)
            rest = stage.rest()
            same = rest.at_rest and self._as_it_began(stage, rest)
        except CheckFailed:
            same = False
        if not same:
            self.end()

    def _as_it_began(self, stage: Stage, rest: Outcome) -> bool:
        if signature(rest.evidence) == self._fresh:
            return True
        # Some clear up at their next turn: waiting for it may be quicker than a new start.
        waits = rest.evidence.waits if rest.evidence else ()
        limits = [wait.limit for wait in waits if wait.limit is not None and not wait.runtime]
        if not limits or min(limits) > _SOON:
            return False
        same = Kernel("the state in which it began", lambda: signature(stage.rest().evidence) == self._fresh)
        return stage.settle(same, _ONE_TURN).how is How.MET

    def end(self) -> None:
        """End the server, and keep what it printed if it printed more than those before it."""
        if self.stage is None:
            return
        self.stage.close()
        if self.stage.server.in_background and _IN_BACKGROUND not in self.notes:
            self.notes.append(_IN_BACKGROUND)
        output, hidden = self.stage.server.output, self.stage.in_hidden_check
        found = ServerOutput(text=output.text, total_bytes=output.total, kept_bytes=output.kept, hidden=hidden)
        self.output = max(found, self.output, key=_worth_showing)
        self.stage = None


def _worth_showing(output: ServerOutput) -> tuple[bool, int]:
    """How much of an output can be shown: what students may see first, and then the longest."""
    return bool(output.total_bytes) and not output.hidden, output.total_bytes


def _answers(stage: Stage, port: int) -> bool:
    stage.listener = next((entry for entry in stage.listeners() if entry.local_port == port), stage.listener)
    stage.begin()
    try:
        (guest,) = stage.connect()
        guest.ask(stage.request(0))
        return stage.settle(Answered([guest])).how is How.MET
    except CheckFailed:
        return False


def signature(evidence: Evidence | None) -> object:
    """What makes two states of a server at rest the same: threads, what each waits for, and what is open."""
    if evidence is None:
        return None
    return (
        frozenset((w.pid, w.tid, w.kind, w.reads, w.writes, _period(w)) for w in evidence.waits),
        frozenset(
            (p.pid, p.parent, tuple(sorted((d.fd, d.target) for d in p.descriptors))) for p in evidence.processes
        ),
        evidence.second.zombies,
    )


def _period(wait: Wait) -> float | None:
    # Of a nap until a point in time the limit is what is left of it, which says nothing.
    if wait.runtime or (wait.kind is WaitKind.SLEEP and wait.limit is not None):
        return 0
    return wait.limit
