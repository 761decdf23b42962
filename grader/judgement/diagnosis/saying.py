"""Servers that answer, but not what they should: what the first wrong byte says."""

from __future__ import annotations

from grader.judgement.diagnosis.case import (
    Answer,
    Case,
    Misheard,
    Place,
    Rule,
    ignores_send,
    only_call,
    only_line,
    sends_blindly,
)
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
    return _alike(wrong.received, wrong.expected)


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes at their beginnings are the same."""
    pairs = zip(one, other, strict=False)
    return next((index for index, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def message_per_recv(case: Case) -> Answer | None:
    """Half a line was answered or passed on as if it were whole, or a line was ended in its midst."""
    cut = {"lines": _is_cut, "broadcast": _is_mixed}.get(case.protocol.reply) if case.protocol else None
    if not case.wrong or case.protocol is None or cut is None:
        return None
    end = case.protocol.line_end.encode()
    return ("message-per-recv", only_call(case, _READS)) if all(cut(one, end) for one in case.wrong) else None


def _is_cut(wrong: Misheard, end: bytes) -> bool:
    received, expected = wrong.mismatch.received, wrong.mismatch.expected
    if wrong.mismatch.extra:
        return bool(received) and wrong.mismatch.begun.upper().startswith(received.removesuffix(end))
    at, offset = _first_difference(wrong.mismatch), wrong.mismatch.offset
    before = wrong.due[:offset] if offset <= len(wrong.due) else received[:at]
    in_its_midst = bool(before) and not before.endswith(end)
    return in_its_midst and received[at:].startswith(end) and not expected[at:].startswith(end)


def _is_mixed(wrong: Misheard, end: bytes) -> bool:
    """Whether a line has come that is not whole yet, or in the midst of one that is due another begins."""
    if wrong.mismatch.begun:
        return True
    received = wrong.mismatch.received
    lines = [line for line in wrong.due.split(end) if len(line) >= _TELLING]
    begun = {_alike(line, received) for line in lines} - {0}
    return any(received[at : at + _TELLING] == line[:_TELLING] for at in begun for line in lines)


def hears_itself(case: Case) -> Answer | None:
    """What a client said came back to it, where only the others are to hear it."""
    if not case.wrong or not case.sees_lines or not all(one.mismatch.own for one in case.wrong):
        return None
    return "hears-itself", Place()


def not_by_the_table(case: Case) -> Answer | None:
    """Up to the beginning of a line every reply was right, and this one is none of those that are due."""
    if not case.wrong or case.protocol is None or case.protocol.reply != "table":
        return None
    end = case.protocol.line_end.encode()
    return ("reply-not-by-the-table", Place()) if all(_is_another(one, end) for one in case.wrong) else None


def _is_another(wrong: Misheard, end: bytes) -> bool:
    offset, at = wrong.mismatch.offset, _first_difference(wrong.mismatch)
    begins = offset <= len(wrong.due) and wrong.due[:offset].endswith(end if offset else b"")
    received = wrong.mismatch.received[at:].split(end)[0]
    elsewhere = any(line.startswith(received) for line in wrong.due.split(end))
    return begins and not wrong.mismatch.extra and bool(received) and not elsewhere


def shared_state(case: Case) -> Answer | None:
    """One client's message came back whole, and those of several who spoke in turn did not."""
    by_kind = case.protocol is not None and case.protocol.reply == "table"
    if case.doing != "isolation" or case.ended or by_kind or not case.wrong or case.evidence:
        return None
    return "shared-state-between-clients", Place()


def left_out(case: Case) -> Answer | None:
    """Something is missing in the midst of a long reply or at its end, and what send() says is thrown away."""
    missing = case.facts.get("dropped") if case.doing == "half_close" else _lacks_something(case)
    if not missing or not sends_blindly(case):
        return None
    return "send-return-ignored", only_line(case, ignores_send(case))


def _lacks_something(case: Case) -> bool:
    """Whether all that was wrong in a long reply is due only later."""
    return case.doing in ("large", "slow_reader") and bool(case.wrong) and all(w.mismatch.later for w in case.wrong)


def hung_up(case: Case) -> Answer | None:
    """The connection of a client who had asked, and neither closed nor reset, was ended, and the server lives on."""
    # One that has printed a traceback may have ended the connection because of that, and one that has very many
    # clients because it has no room for more.
    if case.ended or case.wrong or case.complained or not case.turned_away or case.doing == "capacity":
        return None
    return ("hung-up", Place()) if case.unserved and set(case.unserved) <= set(case.turned_away) else None


def replies_dropped_at_end(case: Case) -> Answer | None:
    """It hung up on a client who said that it would send no more, and until then had waited to send to it."""
    if case.ended or case.complained or case.doing != "half_close" or not case.facts.get("kept"):
        return None
    hung_up = "the server closed the connection of" in case.summary
    return ("replies-dropped-at-end", only_call(case, {"recv", "recv_into"})) if hung_up else None


RULES: tuple[Rule, ...] = (
    greeting_missing,
    adds_to_the_reply,
    message_per_recv,
    hears_itself,
    not_by_the_table,
    shared_state,
    left_out,
    hung_up,
    replies_dropped_at_end,
)
