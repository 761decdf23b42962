"""Classes that nobody had to grade: reports as a class of any size might have them, and a folder that holds them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from report_samples import passed, report

from grader.judgement.texts import TEXTS
from grader.report.class_folder import Gathered, class_of
from grader.report.class_page import ClassPage, row_of
from grader.report.folders import report_folders
from grader.report.json_file import write_json
from grader.report.model import CheckResult, Diagnosis, Report, SpecInfo, SubmissionInfo, Verdict
from grader.report.results import Result

SPEC = SpecInfo(id="select", title="An upper-case echo server multiplexed with select()", sha256="a" * 64)
CHECKS = {
    "echo": ("Replies are right, whatever is sent", 10),
    "concurrent": ("50 clients at once", 15),
    "isolation": ("No client gets another's bytes", 5),
    "capacity": ("The 1,025th descriptor does no harm", 5),
    "large": ("A large message arrives whole", 5),
    "slow-reader": ("A client that does not read keeps nobody waiting", 5),
    "fin": ("Clients that close are let go", 5),
    "reset": ("Clients that reset are let go", 5),
    "half-close": ("A half-closed client still gets its reply", 5),
    "mid-message": ("Clients that leave in the midst of a message", 5),
    "storm": ("Many leave at once", 5),
    "cpu-idle": ("Quiet without clients", 5),
    "cpu-idle-clients": ("Quiet with silent clients", 5),
    "leak": ("No descriptor stays behind", 5),
    "restarts": ("It can be started again at once", 5),
    "model": ("It is the select model", 10),
}
MISTAKES = {
    "recv-in-accept-loop": ("concurrent capacity slow-reader fin reset half-close model", 0.22),
    "eof-not-checked": ("fin half-close storm cpu-idle-clients", 0.17),
    "reset-not-handled": ("reset storm", 0.31),
    "send-return-ignored": ("large", 0.26),
    "blocking-send-to-slow-reader": ("slow-reader", 0.35),
    "select-timeout-zero": ("cpu-idle cpu-idle-clients", 0.06),
    "address-reuse-missing": ("restarts", 0.12),
    "closed-but-not-removed": ("fin reset", 0.03),
    "": ("mid-message", 0.04),
}
NAMES = ["Ada", "Ben", "Chloe", "Dmitri", "Élodie", "Farid", "Grace", "Hugo", "Inès", "Jun", "Søren", "Wei", "Zoë"]


def one(name: str, mistakes: Iterable[str], line: int = 13, **changes: object) -> Report:
    """The report of one submission with these mistakes; "" is one without a name."""
    causes = {check: mistake for mistake in mistakes for check in MISTAKES[mistake][0].split()}
    checks = [_check(check, causes.get(check), line) for check in CHECKS]
    submission = SubmissionInfo(name=name, entry="server.py", language="python", sha256="b" * 64)
    found = report(
        *checks,
        text="",
        spec=SPEC,
        submission=submission,
        score=sum(check.points for check in checks),
        max_score=sum(points for _, points in CHECKS.values()),
        notes=[],
    )
    return found.model_copy(update=changes)


def _check(name: str, mistake: str | None, line: int) -> CheckResult:
    title, points = CHECKS[name]
    found = passed(id=name, title=title, points=points, max_points=points)
    if mistake is None:
        return found
    cause = Diagnosis(id=mistake, title=TEXTS[mistake].title, file="server.py", line=line) if mistake else None
    return found.model_copy(
        update={"verdict": Verdict.FAIL, "points": 0, "summary": "not all were served", "diagnosis": cause}
    )


def students(number: int) -> list[Report]:
    """The reports of a class, the same for the same number: some of them could not be decided in full."""
    chance = random.Random(number)  # noqa: S311 - nobody is to be surprised
    reports = []
    for index in range(number):
        name = f"{NAMES[index % len(NAMES)]} {chance.randrange(10**5, 10**6)}"
        made = [mistake for mistake, (_, share) in MISTAKES.items() if chance.random() < share]
        found = one(name, made, chance.randrange(8, 60))
        if chance.random() < 0.02:
            unknown = found.checks[-1].model_copy(update={"verdict": Verdict.INCONCLUSIVE, "points": 0})
            found = found.model_copy(update={"checks": [*found.checks[:-1], unknown]})
        reports.append(found)
    return reports


def refused(
    name: str, why: str = "submission 'x' has no server.py; it holds main.py", fault: str = "submission"
) -> Result:
    """A submission that could not be graded."""
    told = {"name": name, "folder": name, "spec": SPEC, "started": "2026-01-02T03:04:06+00:00", "failed": why}
    return Result.model_validate({**told, "fault": fault})


def page_of(reports: Iterable[Report], *failed: Result) -> ClassPage:
    """The class page of these reports, each in the folder that a batch would give it."""
    found = list(reports)
    folders = report_folders([(each.submission.name,) for each in found])
    rows = [row_of(each, folder, "report.html") for each, folder in zip(found, folders, strict=True)]
    return class_of(Gathered(rows=rows, results=list(failed)), SPEC)


def fill(folder: Path, reports: Iterable[Report]) -> Path:
    """The folder of a batch with these reports, and no pages."""
    for found in reports:
        place = folder / found.submission.name
        place.mkdir(parents=True)
        write_json(found, place / "report.json")
    return folder
