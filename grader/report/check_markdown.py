"""What there is to say of one check, in Markdown: for a Gradescope test and a job summary alike."""

from __future__ import annotations

from grader.report.check_words import excerpt_of, hints, place_of, sentences
from grader.report.markdown import code_block, inline
from grader.report.model import CheckResult, Excerpt

_REACHED = {"done": "done", "failed": "**failed**"}
_MOST, _LONGEST_LINE = 4_000, 400


def check_markdown(check: CheckResult) -> str:
    """Paragraphs: what was seen, the mistake, the source line, how far a story got, and hints.

    Of a hidden check no more than its verdict is told.
    """
    if check.hidden:
        return f"{inline(sentences(check)[0])}.\n"
    parts = [f"{_short(check.summary)}\n"]
    if found := check.diagnosis:
        parts.append(f"**{_short(found.title)}.** {_short(found.explanation)}\n")
    if place := place_of(check):
        parts.append(f"At {_short(f'{place[0]}:{place[1]}')}:\n")
    if excerpt := excerpt_of(check):
        parts.append(code_block(excerpt_text(excerpt)))
    parts += _steps(check)
    parts += [f"*Hint:* {_short(hint)}\n" for hint in dict.fromkeys(hints(check))]
    return "\n".join(parts)


def _short(text: str) -> str:
    return inline(text if len(text) <= _MOST else f"{text[:_MOST]} ...")


def excerpt_text(excerpt: Excerpt) -> str:
    """The lines with their numbers, one of them marked."""
    return "\n".join(
        f"{'>' if number == excerpt.marked else ' '} {number:4} | {line.expandtabs(4)[:_LONGEST_LINE]}"
        for number, line in enumerate(excerpt.lines, excerpt.first_line)
    )


def _steps(check: CheckResult) -> list[str]:
    """The steps of a scenario as far as it got."""
    told = [
        f"- {_REACHED[step.state]}: {_short(f'{step.number} {step.text}')}\n"
        for step in check.steps
        if step.state in _REACHED
    ]
    return ["".join(told)] if told else []
