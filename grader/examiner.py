"""Runs inside the arena: one submission under one spec, check by check, each result told as soon as it is known."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from grader.arena import sandbox, submission
from grader.arena.namespaces import new_network
from grader.arena.server import RunningServer, run_to_end, start
from grader.arena.submission import Submission
from grader.behaviours import Behaviour
from grader.evidence.procfs import schedstat_moves
from grader.evidence.records import Evidence
from grader.evidence.throttle import throttle_reader
from grader.inquiry import inquire
from grader.judgement.finding import CheckFailed, Finding
from grader.judgement.outcome import How
from grader.judgement.transcript import REPLIES
from grader.report.model import Basis, CheckResult, Observed, ServerOutput, Verdict
from grader.spec import Spec
from grader.stage import Stage

_BUILD_SECONDS = 60.0
_EXTRA_ADDRESS_SPACE = 2 << 30
_EXTRA_PROCESSES = 8


@dataclass
class Examiner:
    """Examines one submission. `workspace` is the arena's tmpfs; `tell` is called with each finished result."""

    spec: Spec
    work: Submission
    workspace: Path
    tell: Callable[[CheckResult], None]
    observed: Observed = field(default_factory=Observed)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    output: ServerOutput = field(default_factory=ServerOutput)

    def __post_init__(self) -> None:
        self._source = self.workspace / "source"
        self._stage: Stage | None = None
        self._fresh: object = None
        self._starts = 0
        self._unable: Callable[[Behaviour], CheckResult] | None = None
        self._schedstat = schedstat_moves()
        if not self._schedstat:
            self.missing.append("schedstat: this kernel does not tell the CPU time of a thread")
        self._throttled = throttle_reader()

    def examine(self) -> None:
        """Build if need be, then every check in the order of the spec."""
        submission.copy_files(self.work.folder, self._source)
        broken = self._build()
        verdicts: dict[str, Verdict] = {}
        for check in self.spec.checks:
            assert isinstance(check, Behaviour)  # noqa: S101 - the catalogue holds nothing else
            result = self._result(check, verdicts, broken)
            verdicts[result.id] = result.verdict
            self.tell(result)
        self._end_stage()

    # -- one check ----------------------------------------------------------------------------------------------

    def _result(self, check: Behaviour, verdicts: dict[str, Verdict], broken: Finding | None) -> CheckResult:
        unmet = [name for name in check.needs if verdicts.get(name) is not Verdict.PASS]
        if unmet:
            summary = f"not run, because {' and '.join(unmet)} did not pass"
            return result_of(check, Finding(Verdict.SKIPPED, Basis.OBSERVATION, summary), 0.0)
        if broken:
            return result_of(check, broken, 0.0)
        if self._unable:
            return self._unable(check)
        began = time.monotonic()
        try:
            return self._run(check, began)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in here is the grader's fault, never the student's
            self._end_stage()
            self.notes.append(f"The grader failed in {check.id}: {traceback.format_exc(limit=-3)}")
            summary = f"the grader failed: {type(error).__name__}: {error}"
            finding = Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, summary)
            return result_of(check, finding, time.monotonic() - began)

    def _run(self, check: Behaviour, began: float) -> CheckResult:
        stage = self._stage or self._start()
        failed_start = None if stage.listener else self._opened(stage)
        if failed_start:
            result = self._failed(check, stage, failed_start, began)
            self._end_stage()
            if self._starts > 1:
                return result
            # A second start tells an accident from a rule; after that no check needs to try again.
            stage = self._start()
            failed_start = self._opened(stage)
            if failed_start:
                result = self._failed(check, stage, failed_start, began)
                self._end_stage()
                self._unable = lambda other: result.model_copy(update=_identity(other))
                return result
        stage.begin()
        try:
            result = result_of(check, check.check(stage), time.monotonic() - began)
        except CheckFailed as failure:
            result = self._failed(check, stage, failure.finding, began)
        finally:
            self.observed = stage.observed or self.observed
        if not self._as_it_began(stage):
            self._end_stage()
        return result

    def _failed(self, check: Behaviour, stage: Stage, finding: Finding, began: float) -> CheckResult:
        seconds = time.monotonic() - began
        shown = inquire(stage, finding, self._source, seconds)
        return result_of(check, finding, seconds).model_copy(update=shown)

    # -- the server ---------------------------------------------------------------------------------------------

    def _build(self) -> Finding | None:
        if not self.work.build:
            return None
        status, output = run_to_end(
            self._source,
            self.workspace / "scratch",
            self.work.build,
            sandbox.environment(self.spec.server.port, self.spec.server.env),
            self._bounds(),
            _BUILD_SECONDS,
        )
        if status == 0:
            return None
        self.output = ServerOutput(text=output, total_bytes=len(output), kept_bytes=len(output))
        how = f"took longer than {_BUILD_SECONDS:.0f} s" if status is None else f"ended with status {status}"
        return Finding(Verdict.FAIL, Basis.OBSERVATION, f"the build ({' '.join(self.work.build)}) {how}")

    def _bounds(self) -> sandbox.Bounds:
        limits = self.spec.limits
        return sandbox.Bounds(
            files=limits.files,
            processes=limits.processes + _EXTRA_PROCESSES,
            address_space=limits.memory * 4 + _EXTRA_ADDRESS_SPACE,
        )

    def _start(self) -> Stage:
        new_network()
        self._starts += 1
        folder, scratch = self.workspace / "run", self.workspace / "scratch"
        for old in (folder, scratch):
            shutil.rmtree(old, ignore_errors=True)
        submission.copy_files(self._source, folder)
        server = start(
            folder,
            scratch,
            self.work.run,
            sandbox.environment(self.spec.server.port, self.spec.server.env),
            self._bounds(),
            self.spec.limits.output,
        )
        self._stage = self._stage_of(server)
        return self._stage

    def _stage_of(self, server: RunningServer) -> Stage:
        return Stage(
            server=server,
            reply=REPLIES[self.spec.protocol.reply],
            schedstat=self._schedstat,
            preferred_port=self.spec.server.port,
            memory=self.spec.limits.memory,
            throttled=self._throttled,
            allowed=self.spec.facets(),
            model_name=self.spec.model_name,
        )

    def _opened(self, stage: Stage) -> Finding | None:
        found = stage.open(self.spec.limits.startup)
        self.notes += [note for note in stage.notes if note not in self.notes]
        if found.how is not How.MET:
            return stage.finding(found, "the server did not come to listen", doing="start")
        self._fresh = signature(stage.rest().evidence)
        return None

    def _as_it_began(self, stage: Stage) -> bool:
        """Whether the server is provably as it was when it had just started; then the next check may have it."""
        stage.dismiss(stage.guests)
        rest = stage.rest()
        return rest.how is How.STUCK and self._fresh is not None and signature(rest.evidence) == self._fresh

    def _end_stage(self) -> None:
        if self._stage:
            self._stage.close()
            output = self._stage.server.output
            if output.total >= self.output.total_bytes:
                kept = output.kept
                self.output = ServerOutput(text=output.text, total_bytes=output.total, kept_bytes=len(kept))
            self._stage = None


def signature(evidence: Evidence | None) -> object:
    """What makes two states of a server at rest the same: threads, what each waits for, and what is open."""
    if evidence is None:
        return None
    return (
        frozenset((w.pid, w.tid, w.kind, w.reads, w.writes, w.limit) for w in evidence.waits),
        frozenset((p.pid, p.parent, tuple(sorted((d.fd, d.target) for d in p.descriptors))) for p in evidence.processes),
        evidence.second.zombies,
    )


def result_of(check: Behaviour, finding: Finding, seconds: float) -> CheckResult:
    """A finding as the report holds it: points in full for a pass, none otherwise."""
    return CheckResult(
        **_identity(check),
        verdict=finding.verdict,
        basis=finding.basis,
        points=check.points if finding.verdict is Verdict.PASS else 0.0,
        seconds=round(seconds, 4),
        summary=finding.summary,
        facts=dict(finding.facts),
    )


def _identity(check: Behaviour) -> dict[str, object]:
    return {
        "id": check.id,
        "behaviour": check.behaviour,
        "title": check.title,
        "max_points": check.points,
        "hidden": check.hidden,
        "hint": check.hint,
    }
