"""The sequence picture of one check: lifelines side by side, time downwards, messages as arrows, waits as bars.

Rows are events in their order, not a scale of time: what matters of a dialogue is what came before what. The times
stand at the left. Everything is text and lines of one SVG, coloured by the page's own style sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from grader.report.escape import escape_text
from grader.report.model import Event, Lane, Span, Timeline
from grader.report.people import size

_ROW, _TOP, _GUTTER = 24, 44, 66
_THREAD_WIDTH, _CLIENT_WIDTH = 186, 142
_MOST_THREADS, _MOST_CLIENTS, _MOST_ROWS = 3, 5, 48
_LABEL = 20
_BAR = 8

_TO_SERVER = {"connect", "send", "shutdown", "close", "reset"}
_TO_CLIENT = {"receive", "end_of_stream", "reset_received"}
_ENDINGS = {"shutdown", "close", "end_of_stream"}
_RESETS = {"reset", "reset_received", "refused"}
_WORDS = {
    "connect": "connects",
    "shutdown": "FIN (half-close)",
    "close": "FIN (close)",
    "reset": "RST",
    "end_of_stream": "FIN",
    "reset_received": "RST",
    "pause": "stops reading",
    "resume": "reads again",
    "refused": "refused",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: an event (several alike in one), or None for a gap with `skipped` events."""

    event: Event | None
    count: int = 1
    skipped: int = 0


@dataclass
class _Sheet:
    """Where things stand, in pixels."""

    x: dict[str, int]
    server: int
    width: int
    rows: list[Row]
    parts: list[Markup] = field(default_factory=list)

    @property
    def height(self) -> int:
        return _TOP + _ROW * (len(self.rows) + 2)

    def y(self, index: float) -> float:
        return _TOP + _ROW * (index + 1)

    def draw(self, template: str, *values: object) -> None:
        harmless = [escape_text(value) if isinstance(value, str) else value for value in values]
        self.parts.append(Markup(template).format(*harmless))  # noqa: S704 - the templates are ours, format() escapes


def rows_of(timeline: Timeline, lanes: set[str]) -> list[Row]:
    """The events of some lanes as rows: alike ones in a run joined, the middle of a long story left out."""
    rows: list[Row] = []
    for event in timeline.events:
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
    return [*rows[:half], Row(None, skipped=len(rows) - 2 * half), *rows[-half:]]


def lanes_of(timeline: Timeline) -> tuple[list[Lane], int]:
    """The lanes to draw, threads first, and how many clients are left out: the first and the last ones stay."""
    threads = [lane for lane in timeline.lanes if lane.kind == "thread"][:_MOST_THREADS]
    clients = [lane for lane in timeline.lanes if lane.kind == "client"]
    if len(clients) <= _MOST_CLIENTS:
        return [*threads, *clients], 0
    last = _MOST_CLIENTS - 2
    return [*threads, *clients[:2], *clients[-last:]], len(clients) - _MOST_CLIENTS


def sequence_svg(timeline: Timeline, title: str) -> Markup:
    """The picture as one inline SVG element, with a title and a description for those who do not see it."""
    lanes, _ = lanes_of(timeline)
    sheet = _sheet(lanes, rows_of(timeline, {lane.id for lane in lanes}))
    _lifelines(sheet, lanes)
    _bars(sheet, [lane for lane in lanes if lane.kind == "thread"], timeline)
    for index, row in enumerate(sheet.rows):
        _row(sheet, index, row)
    _decided(sheet, timeline)
    clients = sum(lane.kind == "client" for lane in lanes)
    about = f"{clients} client(s) and {len(lanes) - clients} thread(s), {len(sheet.rows)} steps"
    opening = Markup(
        '<svg class="sequence" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}" aria-label="{2}">'
        "<title>{2}</title><desc>{3}</desc>"
    ).format(sheet.width, sheet.height, escape_text(title), about)
    return opening + Markup().join(sheet.parts) + Markup("</svg>")


def _sheet(lanes: list[Lane], rows: list[Row]) -> _Sheet:
    x: dict[str, int] = {}
    at = _GUTTER
    for lane in lanes:
        if lane.kind == "thread":
            x[lane.id] = at + 14
            at += _THREAD_WIDTH
        else:
            at += _CLIENT_WIDTH
            x[lane.id] = at - 10
    threads = [x[lane.id] for lane in lanes if lane.kind == "thread"]
    return _Sheet(x, threads[0] if threads else _GUTTER + 14, at + 34, rows)


def _lifelines(sheet: _Sheet, lanes: list[Lane]) -> None:
    for lane in lanes:
        x = sheet.x[lane.id]
        anchor = "start" if lane.kind == "thread" else "end"
        sheet.draw('<line class="life" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>', x, _TOP - 10, sheet.height - 8)
        label_x = x - 6 if lane.kind == "thread" else x + 6
        sheet.draw(
            '<text class="lane {3}" x="{0}" y="{1}" text-anchor="{2}">{4}</text>',
            label_x,
            _TOP - 20,
            anchor,
            lane.kind,
            _short(lane.label, 22),
        )


def _bars(sheet: _Sheet, threads: list[Lane], timeline: Timeline) -> None:
    for lane in threads:
        x, label_free_from = sheet.x[lane.id], 0.0
        for span in _joined([span for span in timeline.spans if span.lane == lane.id]):
            top, bottom = _moment(sheet, span.start_ms, after=False), _moment(sheet, span.end_ms, after=True)
            bottom = max(bottom, top + 5)
            sheet.draw(
                '<rect class="bar {5}" x="{0}" y="{1}" width="{2}" height="{3}" rx="2"><title>{4}</title></rect>',
                x - _BAR // 2,
                top,
                _BAR,
                bottom - top,
                f"{span.label}, {span.start_ms:.1f} to {span.end_ms:.1f} ms",
                span.kind,
            )
            # A label only where the bar is tall enough to be meant, and clear of the label above.
            if bottom - top >= _ROW / 2 and top >= label_free_from:
                words = span.label + (f", line {span.line}" if span.line else "")
                sheet.draw(
                    '<text class="doing {3}" x="{0}" y="{1}">{2}</text>',
                    x + 10,
                    top + 11,
                    _short(words, 26),
                    span.kind,
                )
                label_free_from = top + 16


def _joined(spans: list[Span]) -> list[Span]:
    """Stretches that follow each other with the same label drawn as one."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last and (last.label, last.kind) == (span.label, span.kind):
            found[-1] = last.model_copy(update={"end_ms": span.end_ms})
        else:
            found.append(span)
    return found


def _moment(sheet: _Sheet, at_ms: float, *, after: bool) -> float:
    """The height of a moment between the rows: below all events that came before it."""
    index = sum(1 for row in sheet.rows if row.event and row.event.at_ms <= at_ms)
    gaps = sum(1 for row in sheet.rows[:index] if row.event is None)
    return sheet.y(index + gaps - 0.5) + (6 if after else 0)


def _row(sheet: _Sheet, index: int, row: Row) -> None:
    y = sheet.y(index)
    if row.event is None:
        words = f"{row.skipped} events not drawn"
        sheet.draw('<text class="gap" x="{0}" y="{1}">{2}</text>', _GUTTER, y, words)
        return
    event, x = row.event, sheet.x[row.event.lane]
    sheet.draw('<text class="time" x="{0}" y="{1}" text-anchor="end">{2:.1f} ms</text>', _GUTTER - 8, y, event.at_ms)
    style = "rst" if event.kind in _RESETS else "fin" if event.kind in _ENDINGS else "data"
    if event.kind in _TO_SERVER:
        _arrow(sheet, x - 3, sheet.server + 7, y, style)
    elif event.kind in _TO_CLIENT:
        _arrow(sheet, sheet.server + 7, x - 3, y, style)
    else:
        sheet.draw('<circle class="mark {2}" cx="{0}" cy="{1}" r="3.5"/>', x, y, style)
    sheet.draw(
        '<text class="what {3}" x="{0}" y="{1}" text-anchor="end"><title>{4}</title>{2}</text>',
        x - 9,
        y - 4,
        _short(_words(row), _LABEL),
        style,
        escape_text(_words(row)),
    )


def _words(row: Row) -> str:
    event = row.event
    if event is None:
        return ""
    if event.kind in ("send", "receive"):
        if row.count > 1:
            return f"{size(event.size)} in {row.count}"
        detail = event.detail[:11] + ("…" if len(event.detail) > 11 else "")  # noqa: PLR2004 - room for the size
        return f"{detail} {size(event.size)}"
    return _WORDS.get(event.kind, event.kind)


def _arrow(sheet: _Sheet, start: float, end: float, y: float, style: str) -> None:
    back = 7 if end < start else -7
    sheet.draw('<line class="arrow {3}" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>', start, end, y, style)
    sheet.draw(
        '<path class="head {5}" d="M{0} {1} L{2} {3} L{2} {4} Z"/>',
        end,
        y,
        end + back,
        y - 3.5,
        y + 3.5,
        style,
    )


def _decided(sheet: _Sheet, timeline: Timeline) -> None:
    if timeline.decided_ms is None:
        return
    y = sheet.y(len(sheet.rows)) + 4
    sheet.draw('<line class="decided" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>', 4, sheet.width - 8, y)
    words = f"{timeline.decided_ms:.1f} ms: {timeline.decided_label}"
    sheet.draw('<text class="decided" x="{0}" y="{1}">{2}</text>', 6, y + 15, _short(words, 60))


def _short(text: str, length: int) -> str:
    clean = escape_text(text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def in_words(timeline: Timeline) -> list[str]:
    """The same story as lines of text, for those who cannot or do not want to see the picture."""
    names = {lane.id: lane.label for lane in timeline.lanes}
    lanes, _ = lanes_of(timeline)
    lines = []
    for row in rows_of(timeline, {lane.id for lane in lanes}):
        if row.event is None:
            lines.append(f"({row.skipped} events left out)")
            continue
        event = row.event
        verb = {"send": "sends", "receive": "receives"}.get(event.kind, "")
        words = f"{verb} {_words(row)}" if verb else _words(row)
        lines.append(escape_text(f"{event.at_ms:.1f} ms: {names.get(event.lane, event.lane)} {words}"))
    return lines
