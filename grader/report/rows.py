"""What is shown of the story of one check: which lanes, which events row by row, and all of it in words.

The picture and the words beside it are made from the same rows, so that both tell the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.report.escape import escape_text
from grader.report.model import Event, Lane, Span, Timeline
from grader.report.people import clock, size
from grader.words import Tell, mark, say, say_of

_MOST_THREADS, _MOST_CLIENTS, _MOST_ROWS, _MOST_SPANS = 3, 5, 48, 24

_DOES = {
    "connect": say("connects"),
    "refused": say("is refused"),
    "shutdown": say("half-closes (FIN)"),
    "close": say("closes (FIN)"),
    "reset": say("resets (RST)"),
    "end_of_stream": say("sees the end of the stream (FIN)"),
    "reset_received": say("sees a reset (RST)"),
    "pause": say("stops reading"),
    "resume": say("reads again"),
    "send": say("sends"),
    "receive": say("receives"),
}
_HOW = {
    "wait": mark("{thread} waits without time limit in {call}"),
    "timed": mark("{thread} waits with a time limit in {call}"),
    "run": mark("{thread} {does}"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: an event (`count` alike in one), or None for a gap with `skipped` events."""

    event: Event | None
    count: int = 1
    skipped: int = 0

    @property
    def events(self) -> int:
        """How many events it stands for."""
        return self.count if self.event else self.skipped


def rows_of(timeline: Timeline, lanes: set[str]) -> list[Row]:
    """The events of some lanes as rows: alike ones in a run joined, the middle of a long story left out."""
    rows: list[Row] = []
    for index, event in enumerate(timeline.events):
        if timeline.dropped and index == len(timeline.events) // 2:
            rows.append(Row(None, skipped=timeline.dropped))
        if event.lane not in lanes or event.kind == "connected":
            continue
        last = rows[-1].event if rows else None
        if last and event.size and (last.lane, last.kind) == (event.lane, event.kind):
            joined = last.model_copy(update={"size": last.size + event.size})
            rows[-1] = Row(joined, rows[-1].count + 1)
        else:
            rows.append(Row(event))
    if len(rows) <= _MOST_ROWS:
        return rows
    half = _MOST_ROWS // 2
    return [*rows[:half], Row(None, skipped=sum(row.events for row in rows[half:-half])), *rows[-half:]]


def lanes_of(timeline: Timeline) -> list[Lane]:
    """The lanes to draw: the first threads, then of the clients the first and the last."""
    threads, clients = _threads(timeline), _clients(timeline)
    if len(clients) > _MOST_CLIENTS:
        clients = [*clients[:2], *clients[2 - _MOST_CLIENTS :]]
    return [*threads[:_MOST_THREADS], *clients]


def _threads(timeline: Timeline) -> list[Lane]:
    return [lane for lane in timeline.lanes if lane.kind == "thread"]


def _clients(timeline: Timeline) -> list[Lane]:
    return [lane for lane in timeline.lanes if lane.kind == "client"]


def left_out(timeline: Timeline) -> str:
    """Who has no lane in the picture, in words; "" if everybody has one."""
    clients, threads = len(_clients(timeline)) - _MOST_CLIENTS, len(_threads(timeline)) - _MOST_THREADS
    more_clients = say_of(clients, "{count:,} more client", "{count:,} more clients") if clients > 0 else ""
    more_threads = say_of(threads, "{count:,} more thread", "{count:,} more threads") if threads > 0 else ""
    if more_clients and more_threads:
        return say("{clients} and {threads}", clients=more_clients, threads=more_threads)
    return more_clients or more_threads


def worth_drawing(timeline: Timeline) -> bool:
    """Whether there is more in it than a thread that ran: a client, or a wait."""
    return bool(timeline.events) or any(span.kind != "run" for span in timeline.spans)


def joined(spans: Sequence[Span]) -> list[Span]:
    """Stretches of one thread; those that follow each other with the same label, at the same line, as one."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last and (last.label, last.kind) == (span.label, span.kind) and last.line in (None, span.line):
            found[-1] = last.model_copy(update={"end_ms": span.end_ms, "line": span.line})
        else:
            found.append(span)
    return found


def names_of(timeline: Timeline) -> dict[str, str]:
    """What each lane is called."""
    return {lane.id: lane.label for lane in timeline.lanes}


def told(row: Row, names: dict[str, str], tell: Tell = str) -> str:
    """A row in words: when, who, what, how many bytes, and how they begin."""
    event = row.event
    if event is None:
        return tell(say_of(row.skipped, "({count:,} event not drawn)", "({count:,} events not drawn)"))
    does: str = _DOES.get(event.kind) or event.kind
    if event.size and row.count > 1:
        does = say("{does} {size} in {pieces} pieces", does=does, size=size(event.size), pieces=row.count)
    elif event.size:
        does = say("{does} {size}", does=does, size=size(event.size))
    words = say("{at}: {client} {does}", at=clock(event.at_ms), client=names.get(event.lane, event.lane), does=does)
    if event.detail:
        words = say("{what}: {detail}", what=words, detail=event.detail)
    return escape_text(tell(words))


def doing(span: Span) -> str:
    """What a thread does in a stretch: the call, and the line where it is known."""
    return say("{call}, line {line}", call=span.label, line=span.line) if span.line else span.label


def stretch_told(span: Span, names: dict[str, str]) -> str:
    """A stretch in words: from when to when, who, in which call at which line, and with or without a time limit."""
    thread, call = names.get(span.lane, span.lane), doing(span)
    words = say(_HOW[span.kind], thread=thread, call=call, does=call)
    return say("{start} to {end}: {what}", start=clock(span.start_ms), end=clock(span.end_ms), what=words)


def decision(timeline: Timeline) -> str:
    """When it was decided, and how; "" where that is not known."""
    if timeline.decided_ms is None:
        return ""
    return say("{at}: {how}", at=clock(timeline.decided_ms), how=timeline.decided_label)


def in_words(timeline: Timeline, tell: Tell = str) -> list[str]:
    """The whole story as lines of text, for those who cannot or do not want to see the picture."""
    lanes = {lane.id for lane in lanes_of(timeline)}
    names = names_of(timeline)
    lines = [*_events_told(timeline, lanes, names, tell), *_stretches_told(timeline, lanes, names, tell)]
    if timeline.decided_ms is not None:
        lines.append((timeline.decided_ms, escape_text(tell(decision(timeline)))))
    return [line for _, line in sorted(lines, key=lambda line: line[0])]


def _events_told(timeline: Timeline, lanes: set[str], names: dict[str, str], tell: Tell) -> Iterator[tuple[float, str]]:
    at = 0.0
    for row in rows_of(timeline, lanes):
        at = row.event.at_ms if row.event else at
        yield at, told(row, names, tell)


def _stretches_told(timeline: Timeline, lanes: set[str], names: dict[str, str], tell: Tell) -> list[tuple[float, str]]:
    """The last ones of all threads, where there are many: those that are left out are counted."""
    spans = [
        span
        for lane in sorted(lanes)
        for span in joined([span for span in timeline.spans if span.lane == lane])
    ]  # fmt: skip
    spans.sort(key=lambda span: (span.end_ms, span.start_ms))
    lines = [(span.start_ms, escape_text(tell(stretch_told(span, names)))) for span in spans[-_MOST_SPANS:]]
    if (more := len(spans) - len(lines)) > 0:
        words = say_of(
            more,
            "({count:,} earlier stretch of the server's threads left out)",
            "({count:,} earlier stretches of the server's threads left out)",
        )
        lines.append((lines[0][0], tell(words)))
    return lines
