"""The sequence picture of one check: lifelines side by side, time downwards, messages as arrows, waits as bars.

Rows are events in their order, not a scale of time: what matters of a dialogue is what came before what. The times
stand at the left. Everything is text and lines of one SVG, coloured by the page's own style sheet. Each row and each
bar has a note, shown where the pointer rests or a finger taps: times, bytes, and how these begin.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby

from markupsafe import Markup

from grader.report.escape import escape_text
from grader.report.model import Lane, Span, Timeline
from grader.report.people import clock, size
from grader.report.rows import Row, decision, doing, joined, lanes_of, names_of, rows_of, stretch_told, told
from grader.words import Tell, clauses, say, say_of, together

_ROW, _TOP, _GUTTER, _LAST = 24, 44, 66, 14
_THREAD_WIDTH, _CLIENT_WIDTH = 186, 142
_LABEL, _LANE, _DOING, _DECIDED = 18, 22, 25, 60
_BAR, _LEAST, _LABEL_HEIGHT = 8, 5, 16
_NOTE_WIDTH, _NOTE_HEIGHT = 240, 64
_FINGER, _IN_SIGHT = 22, 10 * _ROW

_TO_SERVER = {"connect", "send", "shutdown", "close", "reset"}
_TO_CLIENT = {"receive", "end_of_stream", "reset_received"}
_ENDINGS = {"shutdown", "close", "end_of_stream"}
_RESETS = {"reset", "reset_received", "refused"}
_WORDS = {
    "connect": say("connects"),
    "shutdown": say("FIN (half-close)"),
    "close": say("FIN (close)"),
    "reset": "RST",
    "end_of_stream": "FIN",
    "reset_received": "RST",
    "pause": say("stops reading"),
    "resume": say("reads again"),
    "refused": say("refused"),
}


@dataclass(frozen=True, slots=True)
class _Bar:
    """Some stretches of one thread that have the same place in the picture, drawn as the one that lasted longest."""

    top: float
    bottom: float
    span: Span
    others: int


@dataclass
class _Sheet:
    """Where things stand, in pixels."""

    x: dict[str, int]
    names: dict[str, str]
    server: int
    width: int
    rows: list[Row]
    tell: Tell
    parts: list[Markup] = field(default_factory=list)

    @property
    def height(self) -> int:
        return _TOP + _ROW * (len(self.rows) + 2) + _LAST

    @property
    def decided(self) -> float:
        """The height of the verdict, with room above it for what threads did last."""
        return self.y(len(self.rows)) + _LAST

    def y(self, index: float) -> float:
        return _TOP + _ROW * (index + 1)

    def moment(self, at_ms: float) -> float:
        """The height of a moment between the rows: below all events that came before it."""
        before = (index + 1 for index, row in enumerate(self.rows) if row.event and row.event.at_ms <= at_ms)
        return self.y(max(before, default=0) - 0.5)

    def clear_of_gaps(self, top: float) -> float:
        """The first height from `top` on at which a label is not in the way of a row that says what is not drawn."""
        for index, row in enumerate(self.rows):
            if row.event is None and abs(top + 8 - self.y(index)) < _LABEL_HEIGHT:
                top = self.y(index) + _LABEL_HEIGHT - 8
        return top

    def short(self, text: str, length: int) -> str:
        """A text told, and cut if it is longer than so many characters of usual width."""
        return _short(self.tell(text), length)

    def draw(self, template: str, *values: object) -> None:
        harmless = [escape_text(self.tell(value)) if isinstance(value, str) else value for value in values]
        self.parts.append(Markup(template).format(*harmless))  # noqa: S704 - the templates are ours, format() escapes


def sequence_svg(timeline: Timeline, title: str, tell: Tell = str) -> Markup:
    """The picture as one inline SVG element, with a title and a description for those who do not see it."""
    lanes = lanes_of(timeline)
    threads = [lane for lane in lanes if lane.kind == "thread"]
    sheet = _sheet(lanes, timeline, tell)
    _lifelines(sheet, lanes)
    for index, row in enumerate(sheet.rows):
        _row(sheet, index, row)
    bars = {lane.id: _bars_of(sheet, lane, timeline) for lane in threads}
    for lane in threads:
        _bars(sheet, lane, bars[lane.id])
    _decided(sheet, timeline)
    _notes(sheet, bars)
    size_of_it = clauses(
        [
            say_of(len(lanes) - len(threads), "{count:,} client", "{count:,} clients"),
            say_of(len(threads), "{count:,} thread", "{count:,} threads"),
            say_of(len(sheet.rows), "{count:,} row", "{count:,} rows"),
        ]
    )
    about = tell(together([size_of_it, say("the same is told in words below")]))
    opening = Markup(
        '<svg class="sequence" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}" aria-label="{2}">'
        "<title>{2}</title><desc>{3}</desc>"
    ).format(sheet.width, sheet.height, escape_text(tell(title)), about)
    return opening + Markup().join(sheet.parts) + Markup("</svg>")


def _sheet(lanes: list[Lane], timeline: Timeline, tell: Tell) -> _Sheet:
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
    rows = rows_of(timeline, set(x))
    return _Sheet(x, names_of(timeline), threads[0] if threads else _GUTTER + 14, at + 34, rows, tell)


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
            sheet.short(lane.label, _LANE),
        )


# Rows.


def _row(sheet: _Sheet, index: int, row: Row) -> None:
    y = sheet.y(index)
    if row.event is None:
        words = say_of(row.skipped, "{count:,} event not drawn", "{count:,} events not drawn")
        sheet.draw('<text class="gap" x="{0}" y="{1}">{2}</text>', sheet.server + 12, y, words)
    else:
        _event(sheet, y, row, sheet.x[row.event.lane], row.event.kind)


def _event(sheet: _Sheet, y: float, row: Row, x: int, kind: str) -> None:
    at = clock(row.event.at_ms if row.event else 0.0)
    sheet.draw('<text class="time" x="{0}" y="{1}" text-anchor="end">{2}</text>', _GUTTER - 8, y, at)
    style = "rst" if kind in _RESETS else "fin" if kind in _ENDINGS else "data"
    if kind in _TO_SERVER:
        _arrow(sheet, x - 3, sheet.server + 7, y, style)
    elif kind in _TO_CLIENT:
        _arrow(sheet, sheet.server + 7, x - 3, y, style)
    else:
        sheet.draw('<circle class="mark {2}" cx="{0}" cy="{1}" r="3.5"/>', x, y, style)
    words = _words(sheet, row)
    sheet.draw('<text class="what {3}" x="{0}" y="{1}" text-anchor="end">{2}</text>', x - 9, y - 4, words, style)


def _words(sheet: _Sheet, row: Row) -> str:
    event = row.event
    if event is None:
        return ""
    if event.kind in ("send", "receive"):
        amount = sheet.tell(size(event.size))
        if row.count > 1:
            return sheet.short(say("{size} in {pieces}", size=amount, pieces=row.count), _LABEL)
        room = _LABEL - _columns(amount) - 1
        detail = event.detail if _columns(event.detail) <= room else _cut(event.detail, room)
        return _short(f"{detail} {amount}", _LABEL)
    return sheet.short(_WORDS.get(event.kind, event.kind), _LABEL)


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


# Bars.


def _bars_of(sheet: _Sheet, lane: Lane, timeline: Timeline) -> list[_Bar]:
    """A thread's stretches; those that begin and end between the same rows are one bar."""
    spans = joined([span for span in timeline.spans if span.lane == lane.id])
    bars = []
    for (top, bottom), alike in groupby(spans, lambda span: _place(sheet, span, timeline)):
        together = list(alike)
        lasted: dict[tuple[str, str], float] = defaultdict(float)
        for span in together:
            lasted[span.kind, span.label] += span.end_ms - span.start_ms
        longest = max(together, key=lambda span: (lasted[span.kind, span.label], span.end_ms))
        bars.append(_Bar(top, max(bottom, top + _LEAST), longest, len(together) - 1))
    return bars


def _place(sheet: _Sheet, span: Span, timeline: Timeline) -> tuple[float, float]:
    lasts = timeline.decided_ms is not None and span.end_ms >= timeline.decided_ms
    return sheet.moment(span.start_ms), sheet.decided if lasts else sheet.moment(span.end_ms) + 6


def _bars(sheet: _Sheet, lane: Lane, bars: list[_Bar]) -> None:
    x, free_to = sheet.x[lane.id], float(sheet.height)
    for bar in reversed(bars):
        sheet.draw(
            '<rect class="bar {4}" x="{0}" y="{1}" width="{2}" height="{3}" rx="2"/>',
            x - _BAR // 2,
            bar.top,
            _BAR,
            bar.bottom - bar.top,
            bar.span.kind,
        )
        # A label only where the bar is tall enough to be meant, and clear of the label below: what it did last counts.
        top = sheet.clear_of_gaps(bar.top)
        if bar.bottom - top >= _ROW / 2 and top + _LABEL_HEIGHT <= free_to:
            words = sheet.short(doing(bar.span), _DOING)
            sheet.draw('<text class="doing {3}" x="{0}" y="{1}">{2}</text>', x + 10, top + 8, words, bar.span.kind)
            free_to = top


# Notes: drawn last, so that nothing shows through. Of what is long there are several, one of them always in sight.


def _notes(sheet: _Sheet, bars: dict[str, list[_Bar]]) -> None:
    for index, row in enumerate(sheet.rows):
        top, about = sheet.y(index) - _ROW / 2 - 4, told(row, sheet.names, sheet.tell)
        right: float = sheet.width
        label = sheet.x[row.event.lane] - _CLIENT_WIDTH / 2 if row.event else sheet.server + _NOTE_WIDTH / 2
        while right > 0:
            left = max(label - _NOTE_WIDTH / 2, 0)
            _note(sheet, (left, top, right - left, _ROW), left, about)
            right, label = left, left - _NOTE_WIDTH / 2
    for lane, drawn in bars.items():
        left = sheet.x[lane] - _FINGER / 2
        for bar in reversed(drawn):
            about, top = _told_of(bar, sheet.names), bar.top
            while top < bar.bottom:
                height = min(_IN_SIGHT, bar.bottom - top)
                _note(sheet, (left, top, _FINGER, height), left + _FINGER, about)
                top += height


def _note(sheet: _Sheet, over: tuple[float, float, float, float], left: float, text: str) -> None:
    """`over` is the left, top, width and height of what it is said of, `left` where it begins if there is room."""
    _, top, _, height = over
    below = top + height + _NOTE_HEIGHT <= sheet.height
    sheet.draw('<g class="note"><rect class="hit" x="{0:g}" y="{1:g}" width="{2:g}" height="{3:g}"/>', *over)
    sheet.draw(
        '<foreignObject class="{0}" x="{1:g}" y="{2:g}" width="{3}" height="1"><p>{4}</p></foreignObject></g>',
        "below" if below else "above",
        max(min(left, sheet.width - _NOTE_WIDTH), 0),
        top + height if below else top,
        min(_NOTE_WIDTH, sheet.width),
        text,
    )


def _told_of(bar: _Bar, names: dict[str, str]) -> str:
    about: str = stretch_told(bar.span, names)
    if not bar.others:
        return about
    more = say_of(bar.others, "and {count:,} other stretch meanwhile", "and {count:,} other stretches meanwhile")
    return together([about, more])


def _decided(sheet: _Sheet, timeline: Timeline) -> None:
    if timeline.decided_ms is None:
        return
    y = sheet.decided
    sheet.draw('<line class="decided" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>', 4, sheet.width - 8, y)
    words = sheet.short(decision(timeline), _DECIDED)
    sheet.draw('<text class="decided" x="{0}" y="{1}">{2}</text>', 6, y + 15, words)


def _short(text: str, length: int) -> str:
    clean = escape_text(text)
    return clean if _columns(clean) <= length else _cut(clean, length)


def _columns(text: str) -> int:
    """The width in characters of usual width; those of Chinese have two (UAX #11)."""
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _cut(text: str, length: int) -> str:
    """As much of a text as leaves room for an ellipsis."""
    widths = itertools.accumulate(map(_width, text))
    return text[: sum(width <= length - 1 for width in widths)] + "…"
