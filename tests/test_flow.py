"""Clients who do not read: how far they hold a server up, and that whatever it loses of theirs shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, Grade
from servers import SELECT, changed

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import Basis, CheckResult, Verdict
from grader.spec import load_spec

STALLS = '''
from typing import ClassVar, Literal
from grader.behaviours import Behaviour, Finding, Stage, passed


class Stalls(Behaviour):
    """Be left with what a client does not read."""

    name: ClassVar[str] = "stalls"
    behaviour: Literal["stalls"] = "stalls"

    def check(self, stage: Stage) -> Finding:
        guest = stage.connect_narrow()
        stage.stall([guest], stage.request(1, 8192), most=4 << 20, kept=1 << 17)
        return passed("it is held up", kept=stage.kept_for(guest), asked=len(guest.transcript.expected))
'''
SPEC = "spec: own\ntitle: A test\nmodel: select\nbehaviours: [stalls.py]\nchecks:\n- behaviour: stalls\n"
KEEPS_ALL = ("MOST_PENDING = 1 << 16", "MOST_PENDING = 1 << 40")
LOSES_THE_REST = ("del pending[connection][:sent]", "pending[connection].clear()")
LOOKS_NOW_AND_THEN = (SELECT, SELECT.replace("[])", "[], 0.02)"))


def number(check: CheckResult, fact: str) -> int:
    found = check.facts[fact]
    assert isinstance(found, int)
    return found


def test_one_that_reads_on_is_left_with_more_than_one_call_may_be_busy_with(tmp_path: Path) -> None:
    (tmp_path / "stalls.py").write_text(STALLS)
    (tmp_path / "own.yaml").write_text(SPEC)
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "server.py").write_text(changed(KEEPS_ALL))

    (check,) = grade(tmp_path / "server", load_spec(tmp_path / "own.yaml", catalogue())).checks

    assert check.verdict is Verdict.PASS, check.summary
    assert number(check, "kept") >= 1 << 17
    assert number(check, "asked") < 4 << 20


@pytest.mark.parametrize("check", ["large_message", "slow_reader"])
def test_one_that_naps_and_loses_something_fails(grade_source: Grade, check: str) -> None:
    source = changed(KEEPS_ALL, LOSES_THE_REST, LOOKS_NOW_AND_THEN)

    (found,) = grade_source(source, f"- behaviour: {check}").checks

    assert found.verdict is Verdict.FAIL


@pytest.mark.parametrize("check", ["large_message", "slow_reader"])
def test_one_that_waits_for_room_for_a_moment_only_loses_something_in_the_midst(
    grade_source: Grade, check: str
) -> None:
    source = (ROOT / "reference" / "mutants" / "nonblocking" / "settimeout-round-robin" / "server.py").read_text()

    (found,) = grade_source(source, f"- behaviour: {check}").checks

    assert (found.verdict, found.basis, found.diagnosis) == (Verdict.FAIL, Basis.OBSERVATION, None)
    assert "differs: received" in found.summary


@pytest.mark.parametrize("check", ["large_message", "slow_reader"])
def test_one_that_naps_and_does_not_look_what_send_has_taken_is_told_so(grade_source: Grade, check: str) -> None:
    mutant = ROOT / "reference" / "mutants" / "select" / "lost-partial-sends" / "server.py"
    source = mutant.read_text().replace("select.select(sockets, [], [])", "select.select(sockets, [], [], 0.02)")

    (found,) = grade_source(source, f"- behaviour: {check}").checks

    assert found.verdict is Verdict.FAIL
    assert found.diagnosis
    assert found.diagnosis.line
    assert found.diagnosis.id == "send-return-ignored"
    assert source.splitlines()[found.diagnosis.line - 1].strip() == "sock.send(data.upper())"


@pytest.mark.parametrize("check", ["large_message", "slow_reader"])
def test_a_server_that_naps_and_loses_nothing_passes(grade_source: Grade, check: str) -> None:
    (found,) = grade_source(changed(KEEPS_ALL, LOOKS_NOW_AND_THEN), f"- behaviour: {check}").checks

    assert found.verdict is Verdict.PASS, found.summary
