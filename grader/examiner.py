"""Runs inside the arena: one submission under one spec, check by check, each result told as soon as it is known."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from grader.arena.namespaces import ArenaUnavailableError
from grader.behaviours import Behaviour
from grader.behaviours.hands import by_hand, started
from grader.inquiry import inquire
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.launch import Launch
from grader.report.model import Basis, ByHand, CheckResult, Observed, Verdict
from grader.spec import CheckFields, Spec
from grader.stage import Stage
from grader.words import also, own_fault, say

_STARTS_TRIED = 2


@dataclass
class Examiner:
    """Examines one submission; `tell` is called with each finished result."""

    spec: Spec
    launch: Launch
    tell: Callable[[CheckResult], None]
    observed: Observed = field(default_factory=Observed)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._for_all: Callable[[CheckFields], CheckResult] | None = None

    def examine(self) -> None:
        """Build if need be, then every check in the order of the spec.

        Raises:
            ArenaUnavailableError: this machine cannot run the submission; nothing is known of it.
        """
        if broken := self.launch.build():
            alike = {"by_hand": started(self.launch.place())}
            self._for_all = lambda check: result_of(check, broken, 0.0).model_copy(update=alike)
        verdicts: dict[str, Verdict] = {}
        for check in self.spec.checks:
            result = self._result(check, verdicts)
            verdicts[result.id] = result.verdict
            self.tell(result)
        self.launch.end()

    def _result(self, check: CheckFields, verdicts: dict[str, Verdict]) -> CheckResult:
        unmet = [name for name in check.needs if verdicts.get(name) is not Verdict.PASS]
        if unmet:
            summary = say("not run, because {checks} did not pass", checks=also(unmet))
            return result_of(check, Finding(Verdict.SKIPPED, Basis.OBSERVATION, summary), 0.0)
        if self._for_all:
            return self._for_all(check)
        began = time.monotonic()
        self.launch.usage.check = check.id
        try:
            return self._run(check, began)
        except ArenaUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - what goes wrong in here is the grader's fault, never the student's
            self.launch.end()
            # What a hidden check does is for its own result to tell, which students do not see.
            where = traceback.format_exc(limit=-3)
            shown = say("The grader failed in {check}: {traceback}", check=check.id, traceback=where)
            self.notes.append(say("The grader failed in {check}.", check=check.id) if check.hidden else shown)
            summary = own_fault(error)
            facts: dict[str, Fact] = {"traceback": where} if check.hidden else {}
            return result_of(check, Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, summary, facts), _since(began))

    def _run(self, check: CheckFields, began: float) -> CheckResult:
        assert isinstance(check, Behaviour)  # noqa: S101 - the catalogue holds nothing else
        if check.fresh:
            self.launch.end()
        if self.launch.stage is None and (failed := self._started(check, began)):
            return failed
        stage = self.launch.stage
        assert stage is not None  # noqa: S101 - it has just been started
        stage.begin()
        stage.in_hidden_check |= check.hidden
        try:
            finding = check.check(stage)
            if finding.verdict is Verdict.PASS and check.waits_for_replies and not stage.used_up:
                self._require_nothing_more(stage)
            if finding.verdict is Verdict.PASS and stage.server.poll() is None:
                stage.require_within_limits()  # what it does last is seen, too
            result = result_of(check, finding, _since(began))
        except CheckFailed as failure:
            result = self._failed(check, stage, failure.finding, began)
        finally:
            self.observed = stage.observed or self.observed
            self.launch.usage.end()
        self.launch.keep_if_as_it_began()
        return result

    @staticmethod
    def _require_nothing_more(stage: Stage) -> None:
        """A reply is right only if nothing comes after it; that is known when the server has come to rest."""
        if wrong := stage.undue():
            raise CheckFailed(wrong)

    def _started(self, check: CheckFields, began: float) -> CheckResult | None:
        """Start a server, with a second try that tells an accident from a rule; a result if both fail.

        What fails from the beginning fails for every other check too, and is not tried again.
        """
        never_before = self.launch.starts == 0
        for _ in range(_STARTS_TRIED):
            finding = self.launch.start()
            if finding is None:
                return None
            assert self.launch.stage is not None  # noqa: S101 - it stays until it is asked where it stood
            result = self._failed(check, self.launch.stage, finding, began)
            self.launch.end()
        if never_before:
            self._for_all = lambda other: _same(result, other)
        return result

    def _failed(self, check: CheckFields, stage: Stage, finding: Finding, began: float) -> CheckResult:
        seconds, finding = _since(began), stage.trusted(finding)
        shown = inquire(stage, finding, self.launch.work.files, seconds, self.spec.protocol)
        shown["by_hand"] = self._by_hand(check, finding)
        return result_of(check, finding, seconds).model_copy(update=shown)

    def _by_hand(self, check: CheckFields, finding: Finding) -> ByHand | None:
        """How a person sees the same, where something was seen."""
        if finding.verdict is not Verdict.FAIL or not isinstance(check, Behaviour):
            return None
        if finding.doing == "start":
            return started(self.launch.place())
        shown = check.by_hand()
        return by_hand(shown, self.spec.protocol, self.launch.place()) if shown else None


def _since(began: float) -> float:
    return time.monotonic() - began


def result_of(check: CheckFields, finding: Finding, seconds: float) -> CheckResult:
    """A finding as the report holds it: points in full for a pass, none otherwise."""
    return CheckResult(
        id=check.id,
        behaviour=check.behaviour,
        title=check.title,
        verdict=finding.verdict,
        basis=finding.basis,
        points=check.points if finding.verdict is Verdict.PASS else 0.0,
        max_points=check.points,
        hidden=check.hidden,
        hint=check.hint,
        seconds=round(seconds, 4),
        summary=finding.summary,
        facts=dict(finding.facts),
        steps=list(finding.steps),
    )


def _same(result: CheckResult, check: CheckFields) -> CheckResult:
    """What is true of every check alike, told as the result of another one."""
    own = {"id": check.id, "behaviour": check.behaviour, "title": check.title, "hint": check.hint}
    return result.model_copy(update={**own, "max_points": check.points, "hidden": check.hidden, "seconds": 0.0})
