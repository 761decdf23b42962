"""What people read: the sequence picture, well formed and telling the same as its words; the terminal; numbers."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HOSTILE, Page, everywhere, failed, harmful, passed, report, timeline
from rich.console import Console

from grader.report import people
from grader.report.escape import escape_text
from grader.report.html import render_html
from grader.report.model import Event, Lane, Report, ServerOutput, Span, Timeline, Verdict
from grader.report.rows import in_words, left_out, rows_of
from grader.report.sequence import sequence_svg
from grader.report.terminal import print_report


def drawn(found: Timeline) -> ET.Element:
    return ET.fromstring(str(sequence_svg(found, "A title & more")))  # noqa: S314 - our own text


def of_class(picture: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in picture.iter() if name in (element.get("class") or "").split()]


def noted(picture: ET.Element) -> list[str]:
    return ["".join(note.itertext()) for note in of_class(picture, "note")]


def many(clients: int, events: int) -> Timeline:
    lanes = [Lane(id="t", label="main thread", kind="thread")]
    lanes += [Lane(id=f"c{n}", label=f"client {n}", kind="client") for n in range(1, clients + 1)]
    steps = [Event(at_ms=n, lane=f"c{n % clients + 1}", kind="connect") for n in range(events)]
    return Timeline(lanes=lanes, events=steps, decided_ms=events, decided_label="seen")


@pytest.mark.parametrize("found", [timeline(), many(1, 1), many(50, 400), Timeline(), timeline("<&>\"'")])
def test_a_picture_is_well_formed_and_stays_inside_its_frame(found: Timeline) -> None:
    picture = drawn(found)
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))

    assert picture.get("viewBox") == f"0 0 {int(width)} {int(height)}"
    for element in picture.iter():
        at = {name: float(value) for name, value in element.items() if re.fullmatch(r"c?[xy][12]?|width|height", name)}
        points = [tuple(map(float, point)) for point in re.findall(r"[ML](\S+) (\S+)", element.get("d", ""))]
        points += [(at.get(x, 0), at.get(y, 0)) for x, y in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy"))]
        points += [(at.get("x", 0) + at.get("width", 0), at.get("y", 0) + at.get("height", 0))]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_arrows_point_from_who_sends_to_who_receives() -> None:
    arrows = of_class(drawn(timeline()), "arrow")
    directions = ["left" if float(a.get("x2", 0)) < float(a.get("x1", 0)) else "right" for a in arrows]

    # ann connects, bob connects, bob sends, ann receives, ann half-closes; the server stands at the left.
    assert directions == ["left", "left", "left", "right", "left"]
    heads = [[float(x) for x in re.findall(r"[ML](\S+)", h.get("d", ""))] for h in of_class(drawn(timeline()), "head")]
    assert [tip for tip, *_ in heads] == [float(arrow.get("x2", 0)) for arrow in arrows]
    assert ["left" if tip < base else "right" for tip, base, _ in heads] == directions


def test_an_end_and_a_reset_are_told_apart_from_data() -> None:
    events = [
        Event(at_ms=n, lane="ann", kind=kind) for n, kind in enumerate(("send", "close", "reset", "reset_received"))
    ]
    picture = drawn(timeline().model_copy(update={"events": events}))

    assert [arrow.get("class") for arrow in of_class(picture, "arrow")] == [
        "arrow data",
        "arrow fin",
        "arrow rst",
        "arrow rst",
    ]


def test_a_wait_is_a_bar_with_its_call_and_line() -> None:
    picture = drawn(timeline())

    (bar,) = of_class(picture, "bar")
    assert bar.get("class") == "bar wait"
    first, second, *_, last = [float(time.get("y", 0)) for time in of_class(picture, "time")]
    assert first < float(bar.get("y", 0)) < second
    assert last < float(bar.get("y", 0)) + float(bar.get("height", 0))
    said = "0.2 ms to 1.5 ms: main thread hello waits without time limit in recvfrom(fd 4) hello, line 3"
    assert said in noted(picture)
    (doing,) = of_class(picture, "doing")
    assert "".join(doing.itertext()) == "recvfrom(fd 4) hello, li…"


def test_the_moment_of_proof_is_marked() -> None:
    words = ["".join(element.itertext()) for element in of_class(drawn(timeline()), "decided")]

    assert "2.0 ms: proved: nothing more can happen" in words
    assert of_class(drawn(timeline().model_copy(update={"decided_ms": None})), "decided") == []


def test_a_long_run_is_folded_with_a_notice() -> None:
    rows = rows_of(many(2, 400), {"c1", "c2"})

    (gap,) = [row for row in rows if row.event is None]
    assert gap.skipped == 400 - (len(rows) - 1)
    assert f"{gap.skipped} events not drawn" in "".join(drawn(many(2, 400)).itertext())


def spans(*times: tuple[float, float], kind: str = "timed", label: str = "poll") -> list[Span]:
    return [
        Span(lane="t1.1", start_ms=start, end_ms=end, kind=kind, label=f"{label} {number}")
        for number, (start, end) in enumerate(times)
    ]


def test_what_a_thread_did_last_reaches_to_the_verdict_and_is_labelled() -> None:
    lasting = Span(lane="t1.1", start_ms=0.9, end_ms=2.0, kind="wait", label="recvfrom(fd 4)", line=13)
    picture = drawn(timeline().model_copy(update={"spans": [*spans((0.1, 0.2)), lasting]}))

    bar = of_class(picture, "bar")[0]
    verdict = of_class(picture, "decided")[0]
    assert float(bar.get("y", 0)) + float(bar.get("height", 0)) == float(verdict.get("y1", 0))
    assert [label.text for label in of_class(picture, "doing")] == ["recvfrom(fd 4), line 13"]


def test_stretches_between_the_same_rows_are_one_bar() -> None:
    turns = [(0.61 + number / 1000, 0.611 + number / 1000) for number in range(300)]
    picture = drawn(timeline().model_copy(update={"spans": spans(*turns)}))

    assert len(of_class(picture, "bar")) == 1
    assert any(note.endswith("; and 299 other stretches meanwhile") for note in noted(picture))


def test_of_many_stretches_the_last_are_told_and_the_others_counted() -> None:
    turns = [(0.61 + number / 1000, 0.611 + number / 1000) for number in range(300)]
    words = in_words(timeline().model_copy(update={"spans": spans(*turns)}))

    assert "(276 earlier stretches of the server's threads left out)" in words
    assert sum("poll" in line for line in words) == 24


def test_events_that_were_not_kept_are_counted_where_they_are_missing() -> None:
    rows = rows_of(timeline().model_copy(update={"dropped": 70}), {"ann", "bob"})

    assert [row.skipped for row in rows] == [0, 0, 70, 0, 0, 0]
    assert "(70 events not drawn)" in in_words(timeline().model_copy(update={"dropped": 70}))


def test_the_page_says_how_many_threads_are_not_drawn() -> None:
    lanes = [Lane(id=f"t{n}", label=f"thread {n}", kind="thread") for n in range(8)]

    assert left_out(timeline().model_copy(update={"lanes": lanes})) == "5 more threads"
    assert left_out(timeline()) == ""


def test_pieces_of_one_message_are_one_row() -> None:
    events = [Event(at_ms=n, lane="ann", kind="receive", detail="x", size=1000) for n in range(5)]
    rows = rows_of(timeline().model_copy(update={"events": events}), {"ann"})

    assert [(row.count, row.event.size) for row in rows if row.event] == [(5, 5000)]


def test_of_many_clients_the_first_and_the_last_are_drawn() -> None:
    lanes = ["".join(element.itertext()) for element in of_class(drawn(many(50, 10)), "lane")]
    assert lanes == ["main thread", "client 1", "client 2", "client 48", "client 49", "client 50"]


@pytest.mark.parametrize(
    ("clients", "said"), [(5, ""), (6, " (1 more client not drawn)"), (50, " (45 more clients not drawn)")]
)
def test_the_page_says_how_many_clients_are_not_drawn(clients: int, said: str) -> None:
    words = Page(render_html(report(failed(timeline=many(clients, 3))))).words

    assert f"What happened, in order{said} What happened" in words


def test_where_nobody_took_part_there_is_no_picture() -> None:
    page = Page(render_html(report(failed(timeline=Timeline()))))

    assert {picture["class"] for picture in page.all("svg")} == {"strip"}
    assert in_words(Timeline()) == []


@given(st.text(st.characters(exclude_characters="\ufffe\uffff")))  # which XML does not know, and HTML does
def test_the_picture_of_any_text_is_well_formed(text: str) -> None:
    picture = ET.fromstring(str(sequence_svg(timeline(text), text)))  # noqa: S314 - our own text

    assert picture.get("aria-label") == picture.findtext("title") == escape_text(text)
    assert harmful("".join(picture.itertext())) == harmful("".join(in_words(timeline(text)))) == []


def test_every_picture_has_words_for_those_who_do_not_see_it() -> None:
    page = Page(render_html(everywhere("x")))

    assert page.all("svg")
    assert all(picture["role"] == "img" and picture["aria-label"] for picture in page.all("svg"))
    assert "0.4 ms: client 2 sends 5 B: hello" in Page(render_html(report(failed(timeline=timeline())))).words


@pytest.mark.parametrize("found", [timeline(), many(2, 9)])
def test_whatever_has_a_note_in_the_picture_is_told_in_words(found: Timeline) -> None:
    picture = drawn(found)
    decided = "".join("".join(element.itertext()) for element in of_class(picture, "decided"))

    assert set(in_words(found)) == {*noted(picture), decided}
    assert in_words(found)[-1] == decided


def test_the_words_tell_the_same_events() -> None:
    words = in_words(timeline())

    assert words == [
        "0.1 ms: client 1 connects",
        "0.2 ms to 1.5 ms: main thread hello waits without time limit in recvfrom(fd 4) hello, line 3",
        "0.3 ms: client 2 connects",
        "0.4 ms: client 2 sends 5 B: hello",
        "0.5 ms: client 1 receives 5 B: hello",
        "0.6 ms: client 1 half-closes (FIN)",
        "2.0 ms: proved: nothing more can happen",
    ]
    assert "(352 events not drawn)" in in_words(many(2, 400))


# the terminal


def printed(found: Report, *, terminal: bool) -> str:
    stream = io.StringIO()
    print_report(found, Console(file=stream, force_terminal=terminal, width=100, color_system=None))
    return stream.getvalue()


def test_plain_output_has_one_line_for_each_check() -> None:
    lines = printed(report(), terminal=False).splitlines()

    assert lines[0] == "alicex: 10 of 30 points (A server x)"
    assert lines[1].split()[:4] == ["pass", "10/10", "echo", "observation"]
    assert lines[2].split()[:4] == ["fail", "0/20", "concurrent", "proof"]
    assert "  >    3 | b = x" in lines


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_character_of_a_submission_reaches_the_terminal(text: str, *, terminal: bool) -> None:
    assert harmful(printed(everywhere(text), terminal=terminal)) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_markup_of_the_console_is_only_text(*, terminal: bool) -> None:
    assert "[bold red]" in printed(report(text="[bold red]x[/]"), terminal=terminal)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("terminal", [True, False])
def test_every_verdict_is_named_with_its_points_and_basis(verdict: Verdict, *, terminal: bool) -> None:
    lines = printed(report(passed(verdict=verdict, points=2.5)), terminal=terminal).splitlines()
    (line,) = [line for line in lines if "2.5/10" in line]

    assert f"{verdict} " in line
    assert ("observation" in line) is (verdict is not Verdict.SKIPPED)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_id_by_which_a_check_is_asked_for_can_be_read(*, terminal: bool) -> None:
    text = printed(report(passed(id="cpu-idle"), passed(id="hushed", hidden=True)), terminal=terminal)

    assert "cpu-idle: Right replies" in text if terminal else "cpu-idle " in text
    assert "hushed" in text


def test_one_mistake_at_one_line_is_explained_once() -> None:
    text = printed(report(failed(), failed(id="fin"), failed(id="other", diagnosis=None)), terminal=False)

    assert "\nconcurrent, fin: Reading x\n" in text
    assert text.count("Because x") == 1
    assert "\nother: not all were served: x\n" in text


def test_output_of_a_hidden_check_is_not_printed() -> None:
    for hidden in (True, False):
        output = ServerOutput(text="secret", total_bytes=6, kept_bytes=6, hidden=hidden)
        assert ("secret" in printed(report(failed(), output=output), terminal=False)) is not hidden


@pytest.mark.parametrize("terminal", [True, False])
def test_a_hidden_check_says_nothing_in_the_terminal(*, terminal: bool) -> None:
    text = printed(report(failed("secret", hidden=True, title="secret"), text="x"), terminal=terminal)

    assert "secret" not in text
    assert "fail" in text
    assert "hidden check" in text


# words for people


@pytest.mark.parametrize(
    ("write", "value", "words"),
    [
        *((people.seconds, *case) for case in [(0.0004, "0.4 ms"), (0.0123, "12 ms"), (0.999, "999 ms")]),
        *((people.seconds, *case) for case in [(1.44, "1.4 s"), (75, "75.0 s")]),
        *((people.size, *case) for case in [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (12800, "12.5 KiB")]),
        *((people.size, *case) for case in [(4 << 20, "4 MiB"), (5 << 40, "5120 GiB")]),
        (people.moment, "2026-01-02T03:04:05+00:00", "2 January 2026, 03:04 UTC"),
        (people.moment, "later", "later"),
        *(
            (people.clock, *case)
            for case in [(0.04, "0.0 ms"), (999.9, "999.9 ms"), (1245.1, "1.245 s"), (6e4, "60.0 s")]
        ),
        *((people.number, *case) for case in [(12.0, "12"), (7.5, "7.5"), (0.0, "0"), (33.333, "33.33"), (100, "100")]),
    ],
)
def test_times_sizes_and_points_are_written_for_people(write: Callable[[Any], str], value: Any, words: str) -> None:
    assert write(value) == words


@given(st.text(st.characters()))
def test_escaped_text_holds_nothing_harmful_and_plain_text_is_kept(text: str) -> None:
    assert harmful(escape_text(text)) == []
    assert "\n" not in escape_text(text)
    assert escape_text("äöü 中文 <b>") == "äöü 中文 <b>"
