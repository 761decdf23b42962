"""Servers that answer, but not what they should: what the first wrong byte says."""

from __future__ import annotations

from grader.judgement.diagnosis.case import Answer, Case, Misheard, Place, Rule, only_call
from grader.judgement.transcript import Mismatch

_MOST_ADDED = 4
_TELLING = 4
_ENDS = b"\r\n\0"
_READS = {"recv", "read"}


def greeting_missing(case: Case) -> Answer | None:
    """What came first is what was due after the greeting."""
    greeting = case.protocol.greeting.encode() if case.protocol else b""
    if not greeting or not case.wrong:
        return None
    return ("greeting-missing", Place()) if all(_skips(one, greeting) for one in case.wrong) else None


def _skips(wrong: Misheard, greeting: bytes) -> bool:
    received = wrong.mismatch.received
    return wrong.mismatch.offset == 0 and wrong.due[len(greeting) : len(greeting) + len(received)] == received != b""


def adds_to_the_reply(case: Case) -> Answer | None:
    """A line feed, or the zero that ends strings in C, comes with every reply, and nobody asked for it."""
    if not case.wrong or case.sees_lines or (case.protocol and (case.protocol.suffix or case.protocol.greeting)):
        return None
    return ("adds-to-the-reply", Place()) if all(_is_added(one.mismatch) for one in case.wrong) else None


def _is_added(wrong: Mismatch) -> bool:
    if wrong.extra:
        return wrong.offset > 0 and 0 < len(wrong.received) <= _MOST_ADDED and not wrong.received.strip(_ENDS)
    at = _first_difference(wrong)
    for length in range(1, _MOST_ADDED + 1):
        # What follows the added ones is what had been due in their place.
        rest = wrong.received[at + length :]
        if len(rest) >= _TELLING and wrong.expected[at:].startswith(rest):
            return not wrong.received[at : at + length].strip(_ENDS)
    return False


def _first_difference(wrong: Mismatch) -> int:
    # Both texts begin a little before it.
    pairs = zip(wrong.received, wrong.expected, strict=False)
    return next((index for index, (got, due) in enumerate(pairs) if got != due), 0)


def message_per_recv(case: Case) -> Answer | None:
    """Half a line was answered as if it were whole, or a line was ended in its midst."""
    if not case.wrong or case.protocol is None or case.protocol.reply != "lines":
        return None
    end = case.protocol.line_end.encode()
    return ("message-per-recv", only_call(case, _READS)) if all(_is_cut(one, end) for one in case.wrong) else None


def _is_cut(wrong: Misheard, end: bytes) -> bool:
    received, expected = wrong.mismatch.received, wrong.mismatch.expected
    if wrong.mismatch.extra:
        return bool(received) and wrong.mismatch.begun.upper().startswith(received.removesuffix(end))
    at, offset = _first_difference(wrong.mismatch), wrong.mismatch.offset
    before = wrong.due[:offset] if offset <= len(wrong.due) else received[:at]
    in_its_midst = bool(before) and not before.endswith(end)
    return in_its_midst and received[at:].startswith(end) and not expected[at:].startswith(end)


def shared_state(case: Case) -> Answer | None:
    """One client's message came back whole, and those of several who spoke in turn did not."""
    by_kind = case.protocol is not None and case.protocol.reply == "table"
    if case.doing != "isolation" or case.ended or by_kind or not case.wrong or case.evidence:
        return None
    return "shared-state-between-clients", Place()


RULES: tuple[Rule, ...] = (greeting_missing, adds_to_the_reply, message_per_recv, shared_state)
