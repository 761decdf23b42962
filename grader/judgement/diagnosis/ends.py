"""Servers that ended: what the last traceback, or the status, says."""

from __future__ import annotations

import signal
from collections.abc import Container

from grader.judgement.diagnosis.case import ONE_THREAD, Answer, Case, Rule, crash_place, only_call
from grader.judgement.source import Traceback

_GONE = {"ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError"}
_SEGMENTATION_FAULT, _BROKEN_PIPE = 128 + signal.SIGSEGV, 128 + signal.SIGPIPE


def _exception(case: Case) -> Traceback | None:
    # One in another thread is printed too, but ends only that thread. Python's own status after one is 1.
    return case.traceback if case.ended and case.status in (None, 1) else None


def _raised(case: Case, kinds: Container[str], words: str = "") -> bool:
    found = _exception(case)
    return found is not None and found.kind in kinds and words in found.text


def crashed_at_start(case: Case) -> Answer | None:
    """It ended before it listened."""
    if case.doing != "start" or not case.ended:
        return None
    syntax = case.traceback and case.traceback.kind in ("SyntaxError", "IndentationError", "TabError")
    return ("syntax-error" if syntax else "crashed-at-start"), crash_place(case)


def address_reuse_missing(case: Case) -> Answer | None:
    """Started again while connections of its predecessor were in TIME_WAIT, it could not have the port."""
    if case.doing != "restarts" or not _raised(case, {"OSError"}, "Address already in use"):
        return None
    return "address-reuse-missing", crash_place(case)


def reset_not_handled(case: Case) -> Answer | None:
    """A client reset its connection, and the exception that this raises ended the server."""
    if not _raised(case, _GONE):
        return None
    return "reset-not-handled", crash_place(case)


def asked_who_has_left(case: Case) -> Answer | None:
    """It asked a connection for its other end, which had gone before it was accepted."""
    if not _raised(case, {"OSError"}, "Transport endpoint is not connected"):
        return None
    return "asked-who-has-left", crash_place(case)


def closed_but_not_removed(case: Case) -> Answer | None:
    """A closed socket (descriptor -1) was given to select()."""
    if not _raised(case, {"ValueError"}, "file descriptor cannot be a negative integer"):
        return None
    return "closed-but-not-removed", crash_place(case)


def beyond_fd_setsize(case: Case) -> Answer | None:
    """A descriptor above 1023 was given to select()."""
    if not _raised(case, {"ValueError"}, "filedescriptor out of range in select"):
        return None
    return "beyond-fd-setsize", crash_place(case)


def decode_per_chunk(case: Case) -> Answer | None:
    """What had been received was taken for text, and was none, or not a whole one."""
    return ("decode-per-chunk", crash_place(case)) if _raised(case, {"UnicodeDecodeError"}) else None


def too_many_threads(case: Case) -> Answer | None:
    """Where one thread is to serve everybody, so many were started that no more could be, or that it was stopped."""
    stopped = case.doing == "limits" and "processes and threads" in case.summary
    if case.model not in ONE_THREAD or not (stopped or _raised(case, {"RuntimeError"}, "can't start new thread")):
        return None
    if case.processes_seen > 1:  # those may be many too, each with a few threads
        return None
    name = "threads-not-select" if case.model == "select" else "threads-not-one"
    return name, only_call(case, {"Thread", "start_new_thread"})


def uncaught_exception(case: Case) -> Answer | None:
    """Any other exception that nobody caught, once it had listened."""
    if not _exception(case) or case.doing in ("start", "limits"):
        return None
    return "uncaught-exception", crash_place(case)


def segmentation_fault(case: Case) -> Answer | None:
    """It touched memory that is not its own."""
    return ("segmentation-fault", crash_place(case)) if case.ended and case.status == _SEGMENTATION_FAULT else None


def sigpipe_not_ignored(case: Case) -> Answer | None:
    """It sent to a client who had gone, and the signal that the kernel raises for that ended it."""
    if not case.ended or case.status != _BROKEN_PIPE:
        return None
    return "sigpipe-not-ignored", only_call(case, {"send", "sendall", "write"})


def ended_by_itself(case: Case) -> Answer | None:
    """It came to its end, as programs do, although nothing told it to."""
    if not case.ended or case.traceback or case.status != 0 or case.doing in ("start", "limits", "stops"):
        return None
    return "ended-by-itself", crash_place(case)


EARLY: tuple[Rule, ...] = (
    crashed_at_start,
    address_reuse_missing,
    reset_not_handled,
    asked_who_has_left,
    closed_but_not_removed,
    beyond_fd_setsize,
    decode_per_chunk,
    too_many_threads,
)
LATE: tuple[Rule, ...] = (uncaught_exception, segmentation_fault, sigpipe_not_ignored, ended_by_itself)
