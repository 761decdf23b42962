"""The sequence picture: well formed, inside its frame, and telling the same as its words."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from report_samples import timeline

from grader.report.model import Event, Lane, Timeline
from grader.report.sequence import in_words, rows_of, sequence_svg


def drawn(found: Timeline) -> ET.Element:
    return ET.fromstring(str(sequence_svg(found, "A title & more")))  # noqa: S314 - our own text


def of_class(picture: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in picture.iter() if name in (element.get("class") or "").split()]


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
        for name, most in (
            ("x", width),
            ("x1", width),
            ("x2", width),
            ("cx", width),
            ("y", height),
            ("y1", height),
            ("y2", height),
        ):
            assert 0 <= float(element.get(name, 0)) <= most


def test_arrows_point_from_who_sends_to_who_receives() -> None:
    arrows = of_class(drawn(timeline()), "arrow")
    directions = ["left" if float(a.get("x2", 0)) < float(a.get("x1", 0)) else "right" for a in arrows]

    # ann connects, bob connects, bob sends, ann receives, ann half-closes; the server stands at the left.
    assert directions == ["left", "left", "left", "right", "left"]


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
    assert "recvfrom(fd 4) hello, 0.2 to 1.5 ms" in "".join(bar.itertext())
    (doing,) = of_class(picture, "doing")
    assert "".join(doing.itertext()).startswith("recvfrom(fd 4)")


def test_the_moment_of_proof_is_marked() -> None:
    words = ["".join(element.itertext()) for element in of_class(drawn(timeline()), "decided")]

    assert "2.0 ms: proved: nothing more can happen" in words


def test_a_long_run_is_folded_with_a_notice() -> None:
    rows = rows_of(many(2, 400), {"c1", "c2"})

    (gap,) = [row for row in rows if row.event is None]
    assert gap.skipped == 400 - (len(rows) - 1)
    assert f"{gap.skipped} events not drawn" in "".join(drawn(many(2, 400)).itertext())


def test_pieces_of_one_message_are_one_row() -> None:
    events = [Event(at_ms=n, lane="ann", kind="receive", detail="x", size=1000) for n in range(5)]
    rows = rows_of(timeline().model_copy(update={"events": events}), {"ann"})

    assert [(row.count, row.event.size) for row in rows if row.event] == [(5, 5000)]


def test_of_many_clients_the_first_and_the_last_are_drawn() -> None:
    lanes = ["".join(element.itertext()) for element in of_class(drawn(many(50, 10)), "lane")]

    assert lanes == ["main thread", "client 1", "client 2", "client 48", "client 49", "client 50"]


def test_the_words_tell_the_same_events() -> None:
    words = in_words(timeline())

    assert words == [
        "0.1 ms: client 1 connects",
        "0.3 ms: client 2 connects",
        "0.4 ms: client 2 sends hello 5 B",
        "0.5 ms: client 1 receives hello 5 B",
        "0.6 ms: client 1 FIN (half-close)",
    ]
    assert any("events left out" in line for line in in_words(many(2, 400)))
