"""Servers that answer, but not what they should: what the first wrong byte says."""

from __future__ import annotations

from grader.judgement.diagnosis.case import Answer, Case, Place, Rule, only_call
from grader.judgement.transcript import Mismatch

_MOST_ADDED = 4
_TELLING = 4
_READS = {"recv", "read"}


def greeting_missing(case: Case) -> Answer | None:
    """The first bytes that came are those that were due after the greeting."""
    greeting = case.protocol.greeting.encode() if case.protocol else b""
    if not greeting or not case.wrong:
        return None
    silent = all(m.offset == 0 and not m.extra and not greeting.startswith(m.received[:1]) for m in case.wrong)
    return ("greeting-missing", Place()) if silent else None


def adds_to_the_reply(case: Case) -> Answer | None:
    """A line feed, or the zero that ends strings in C, comes with every reply, and nobody asked for it."""
    if not case.wrong or case.sees_lines or (case.protocol and (case.protocol.suffix or case.protocol.greeting)):
        return None
    return ("adds-to-the-reply", Place()) if all(map(_is_added, case.wrong)) else None


def _is_added(wrong: Mismatch) -> bool:
    if wrong.extra:
        return wrong.offset > 0 and 0 < len(wrong.received) <= _MOST_ADDED and not wrong.received.strip(b"\r\n\0")
    # Both begin a little before the wrong byte; what follows the added ones is what had been due in their place.
    at = next(i for i, (got, due) in enumerate(zip(wrong.received, wrong.expected, strict=False)) if got != due)
    for length in range(1, _MOST_ADDED + 1):
        rest = wrong.received[at + length :]
        due = wrong.expected[at : at + len(rest)]
        if len(rest) >= _TELLING and rest == due and not wrong.received[at : at + length].strip(b"\r\n\0"):
            return True
    return False


def message_per_recv(case: Case) -> Answer | None:
    """Each recv() is taken for a whole line: half a line was answered, or a line was ended in its midst."""
    if not case.sees_lines or not case.wrong or case.protocol is None or case.protocol.reply != "lines":
        return None
    end = case.protocol.line_end.encode()
    return ("message-per-recv", only_call(case, _READS)) if all(_cut(m, end) for m in case.wrong) else None


def _cut(wrong: Mismatch, end: bytes) -> bool:
    if wrong.extra:  # part of a line came before the line was whole
        return not wrong.received.endswith(end) or len(wrong.received) > len(end)
    at = next((i for i, (got, due) in enumerate(zip(wrong.received, wrong.expected, strict=False)) if got != due), 0)
    return at > 0 and wrong.received[at:].startswith(end) and wrong.expected[at : at + len(end)] != end


def shared_state(case: Case) -> Answer | None:
    """One client's message came back whole, and those of several who spoke in turn did not."""
    by_kind = case.protocol is not None and case.protocol.reply == "table"
    if case.doing != "isolation" or case.ended or by_kind or not case.wrong or case.evidence:
        return None
    return "shared-state-between-clients", Place()


RULES: tuple[Rule, ...] = (greeting_missing, adds_to_the_reply, message_per_recv, shared_state)
