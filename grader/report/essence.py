"""What of a report does not change from run to run: golden files hold it, repeated gradings are compared by it."""

from __future__ import annotations

from typing import Any

from grader.report.model import CheckResult, Report, Verdict


def essence(report: Report) -> dict[str, Any]:
    """The score, the facets that were seen, and for each check "pass", or verdict, basis, diagnosis and its line.

    Plain data, as YAML holds it.
    """
    return {
        "spec": report.spec.id,
        "score": report.score,
        "observed": observed_of(report),
        "checks": {check.id: essence_of(check) for check in report.checks},
    }


def observed_of(report: Report) -> dict[str, Any]:
    """The facets of the IO model that were seen, those without a value left out."""
    return {name: value for name, value in report.observed.model_dump(mode="json").items() if value}


def essence_of(check: CheckResult) -> str | dict[str, str]:
    """The same of one check."""
    if check.verdict is Verdict.PASS:
        return str(check.verdict)
    found = {"verdict": str(check.verdict), "basis": str(check.basis)}
    if check.diagnosis:
        found["diagnosis"] = check.diagnosis.id
        if check.diagnosis.file:
            found["at"] = f"{check.diagnosis.file}:{check.diagnosis.line}"
    return found
