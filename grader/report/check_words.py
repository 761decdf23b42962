"""What there is to say of one check, in plain sentences: for formats that have a place for text and no more."""

from __future__ import annotations

from grader.report.model import CheckResult, Excerpt, Verdict

_HIDDEN = {
    Verdict.PASS: "a hidden check passed",
    Verdict.FAIL: "a hidden check failed",
    Verdict.INCONCLUSIVE: "a hidden check could not be decided; that is not the submission's fault",
    Verdict.SKIPPED: "a hidden check was skipped, as one that it needs did not pass",
}


def sentences(check: CheckResult) -> list[str]:
    """What was seen, the mistake, where it is, and the hints; of a hidden check only its verdict. Never empty.

    The text is as the submission chose it: whoever writes it down escapes it for that place.
    """
    if check.hidden:
        return [_HIDDEN[check.verdict]]
    told = [check.summary or str(check.verdict)]
    if found := check.diagnosis:
        told += [f"{found.title}.", found.explanation]
    if place := place_of(check):
        told.append(f"at {place[0]}:{place[1]}")
    told += [f"Hint: {hint}" for hint in hints(check)]
    return [sentence for sentence in told if sentence]


def hints(check: CheckResult) -> list[str]:
    """What is said to help: for the mistake, and by the spec."""
    return [hint for hint in (check.diagnosis.hint if check.diagnosis else "", check.hint) if hint]


def place_of(check: CheckResult) -> tuple[str, int] | None:
    """The file and the line to look at, if the check failed and one is known: the mistake's, or where it stood."""
    if check.hidden or check.verdict is not Verdict.FAIL:
        return None
    if check.diagnosis and check.diagnosis.file and check.diagnosis.line:
        return check.diagnosis.file, check.diagnosis.line
    return next(((stood.file, stood.line) for stood in check.stood if stood.file and stood.line), None)


def excerpt_of(check: CheckResult) -> Excerpt | None:
    """The lines around that place."""
    if check.hidden:
        return None
    if check.diagnosis and check.diagnosis.excerpt:
        return check.diagnosis.excerpt
    return next((stood.excerpt for stood in check.stood if stood.excerpt), None)
