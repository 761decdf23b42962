"""The timeline of one check: the clients' journal and the threads' lifelines, as the report draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from grader.clients.journal import Entry
from grader.judgement.lifelines import Stretch
from grader.report.model import Event, Lane, Span, Timeline
from grader.words import say

T = TypeVar("T")

_MOST_EVENTS = 400
_MOST_SPANS = 400

Lines = Mapping[tuple[int, int], int | None]
"""Threads, each by its process and thread id, with the line of the submission that it stood at, if that is known."""


def draw(
    entries: list[Entry],
    stretches: list[Stretch],
    names: dict[tuple[int, int], str],
    began_ns: int,
    decided_ns: int,
    decided: str,
    dropped: int = 0,
    standing: Lines | None = None,
) -> Timeline:
    """Everything on one scale: milliseconds since `began_ns`.

    Of more events than a page can show, the first and the last are kept: how it began, and how it ended. `standing`
    are the threads that were still there at `decided_ns`: what each was last seen doing it did until then.
    """
    stretches = [stretch for stretch in stretches if stretch.began_ns <= decided_ns]
    threads = {(stretch.pid, stretch.tid): stretch for stretch in stretches}
    lasting = {stretch: line for key, line in (standing or {}).items() if (stretch := threads.get(key))}
    lanes = [
        Lane(id=f"t{pid}.{tid}", label=names.get((pid, tid)) or say("thread {number}", number=tid), kind="thread")
        for pid, tid in threads
    ]
    lanes += [Lane(id=_lane(name), label=name, kind="client") for name in dict.fromkeys(e.client for e in entries)]
    shown = _ends(entries, _MOST_EVENTS)
    spans = _ends([stretch for stretch in stretches if stretch not in lasting], _MOST_SPANS) + list(lasting)
    return Timeline(
        lanes=lanes,
        events=[
            Event(at_ms=_ms(e.at_ns, began_ns), lane=_lane(e.client), kind=e.kind, detail=e.detail, size=e.size)
            for e in shown
        ],
        spans=[
            Span(
                lane=f"t{s.pid}.{s.tid}",
                start_ms=_ms(s.began_ns, began_ns),
                end_ms=_ms(decided_ns if s in lasting else min(s.ended_ns, decided_ns), began_ns),
                kind=s.kind,
                label=s.label,
                line=lasting.get(s),
            )
            for s in spans
        ],
        decided_ms=_ms(decided_ns, began_ns),
        decided_label=decided,
        dropped=dropped + len(entries) - len(shown),
    )


def _ends(items: list[T], most: int) -> list[T]:
    return items if len(items) <= most else [*items[: most // 2], *items[-most // 2 :]]


def _lane(name: str) -> str:
    return name.replace(" ", "-")


def _ms(at_ns: int, began_ns: int) -> float:
    return round(max(at_ns - began_ns, 0) / 1e6, 3)
