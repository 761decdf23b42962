"""The timeline of one check: the clients' journal and the threads' lifelines, as the report draws them."""

from __future__ import annotations

from typing import TypeVar

from grader.clients.journal import Entry
from grader.judgement.lifelines import Stretch
from grader.report.model import Event, Lane, Span, Timeline

T = TypeVar("T")

_MOST_EVENTS = 400
_MOST_SPANS = 400


def draw(
    entries: list[Entry],
    stretches: list[Stretch],
    names: dict[tuple[int, int], str],
    began_ns: int,
    decided_ns: int,
    decided: str,
    dropped: int = 0,
) -> Timeline:
    """Everything on one scale: milliseconds since `began_ns`.

    Of more events than a page can show, the first and the last are kept: how it began, and how it ended.
    """
    threads = dict.fromkeys((s.pid, s.tid) for s in stretches)
    lanes = [
        Lane(id=f"t{pid}.{tid}", label=names.get((pid, tid), f"thread {tid}"), kind="thread") for pid, tid in threads
    ]
    lanes += [Lane(id=_lane(name), label=name, kind="client") for name in dict.fromkeys(e.client for e in entries)]
    shown = _ends(entries, _MOST_EVENTS)
    spans = _ends(stretches, _MOST_SPANS)
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
                end_ms=_ms(s.ended_ns, began_ns),
                kind=s.kind,
                label=s.label,
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
