"""What servers used over the whole run: stretches made of looks that are taken anyway, and the strip of them."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Grade
from evidence_samples import PROCESS, THREAD
from report_samples import Page, failed, passed, report

from grader.evidence.procfs import ProcReader
from grader.evidence.records import Counters, Pass
from grader.judgement.usage import Usage
from grader.report.html import render_html
from grader.report.model import Report, Resources
from grader.report.strip import parts, shown_resources, strips

MS = 1_000_000


def look(at: float, cpu: float, threads: int = 1) -> Pass:
    """A pass `at` ms, when the first of the threads has used `cpu` ms."""
    found = [
        replace(THREAD, tid=tid, at_ns=int(at * MS), counters=Counters(1, int(cpu * MS) if tid == 1 else 0, 0, 1))
        for tid in range(1, threads + 1)
    ]
    return Pass(int(at * MS), int(at * MS), tuple(found))


def used(*looks: Pass, check: str = "echo") -> list[Resources]:
    usage = Usage(check=check)
    for one in looks:
        usage.look(one)
    usage.end()
    return usage.stretches()


def test_a_stretch_has_its_duty_and_the_most_of_all_else() -> None:
    usage = Usage(check="echo")
    for at, threads, memory in ((0, 1, 10), (5, 9, 30), (15, 2, 20)):
        usage.look(look(at, at / 2, threads))
        usage.memory(memory)
    usage.processes((PROCESS,))
    usage.descriptors(7)
    usage.descriptors(0)
    usage.end()

    assert usage.stretches() == [
        Resources(check="echo", start_ms=0, end_ms=15, duty=0.5, threads=9, descriptors=7, memory=30)
    ]


def test_the_next_stretch_begins_with_what_is_held_then_and_not_with_the_most_before() -> None:
    usage = Usage(check="echo")
    for at, memory in ((0, 10), (10, 90), (25, 20), (40, 25)):
        usage.memory(memory)
        usage.look(look(at, 0))
    usage.end()

    assert [stretch.memory for stretch in usage.stretches()] == [90, 25]


def test_of_a_moment_shorter_than_a_tick_no_duty_is_told() -> None:
    assert [stretch.duty for stretch in used(look(0, 0), look(3, 3))] == [None]
    assert used(look(0, 0)) == []


def test_time_that_a_quota_took_away_counts_for_nobody() -> None:
    lost = iter([0, 50 * MS, 50 * MS])
    usage = Usage(throttled=lambda: next(lost))
    usage.look(look(0, 0))
    usage.look(look(100, 50))

    assert [stretch.duty for stretch in usage.stretches()] == [1.0]


def test_a_new_server_begins_anew_and_one_that_is_not_the_submission_is_left_out() -> None:
    usage = Usage(check="echo")
    for paused in (False, True, False):
        usage.new_server()
        usage.paused = paused
        usage.look(look(0, 500))
        usage.look(look(15, 503))
    usage.end()

    assert [(stretch.duty, stretch.descriptors) for stretch in usage.stretches()] == [(0.2, None)] * 2


def test_of_many_stretches_neighbours_of_one_check_become_one() -> None:
    usage = Usage(check="echo")
    for number in range(5000):
        usage.look(look(20 * number, 10 * number, threads=3 if number == 70 else 1))
    usage.check = "fin"
    usage.end()
    found = usage.stretches()

    assert len(found) <= 101
    assert found[0].start_ms == 0
    assert all(one.end_ms == other.start_ms for one, other in pairwise(found))
    assert {stretch.duty for stretch in found if stretch.duty is not None} == {0.5}
    assert max(stretch.threads for stretch in found) == 3


def test_how_many_descriptors_are_open_is_told_by_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, gone = ProcReader(), 1 << 22  # beyond the largest process id (proc_sys_kernel(5))
    monkeypatch.setattr(reader, "pids", lambda: [os.getpid(), gone])
    before = reader.open_descriptors()
    if not before:
        pytest.skip("this kernel does not tell (it is older than Linux 6.2)")
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        assert reader.open_descriptors() == before + 2


def test_a_grading_tells_what_the_server_used(grade_source: Grade) -> None:
    source = """
        import socket, threading
        def serve(connection):
            while data := connection.recv(4096):
                connection.sendall(data.upper())
        listener = socket.create_server(("", 8080))
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],)).start()
    """
    found = grade_source(source, "- {behaviour: echo}\n- {behaviour: concurrent_clients, clients: 20}")
    by_check = {check: [s for s in found.resources if s.check == check] for check in ("echo", "concurrent-clients")}

    assert all(by_check.values())
    assert max(stretch.threads for stretch in by_check["concurrent-clients"]) == 21
    assert max(stretch.descriptors or 0 for stretch in by_check["concurrent-clients"]) >= 24
    assert all(stretch.memory for stretch in found.resources)
    times = [(stretch.start_ms, stretch.end_ms) for stretch in found.resources]
    assert times == sorted(times)


# The strip.


def test_there_is_a_picture_for_each_figure_with_its_most_in_words() -> None:
    found = strips(report().resources)

    assert [(strip.title, strip.most) for strip in found] == [
        ("Duty", "50%"),
        ("Threads", "2"),
        ("Descriptors", "54"),
        ("Memory", "12 MiB"),
    ]
    for strip in found:
        picture = ET.fromstring(str(strip.svg))  # noqa: S314 - our own text
        assert picture.get("role") == "img"
        assert str(picture.get("aria-label")).endswith(f"at most {strip.most}")


def test_what_is_not_known_of_any_stretch_has_no_picture() -> None:
    assert [strip.title for strip in strips(used(look(0, 0), look(3, 0)))] == ["Threads"]
    assert strips([]) == []
    assert "What it used" not in Page(render_html(report(resources=[]))).words


def test_a_block_is_as_high_as_its_figure_and_as_wide_as_it_lasted() -> None:
    (path,) = re.findall(r'<path class="descriptors" d="(.*?)"', str(strips(report().resources)[2].svg))
    (left, top, right), (other_left, other_top, other_right) = [
        tuple(map(float, block)) for block in re.findall(r"M(\S+) 40V(\S+)H(\S+)V40Z", path)
    ]

    assert (left, right, other_left, other_right) == (0, 945.9, 945.9, 1000)
    assert (40 - other_top) / (40 - top) == pytest.approx(54 / 5, rel=0.05)


def test_the_same_is_told_check_by_check_as_a_table() -> None:
    echo, concurrent = parts(report().resources)

    assert (echo.check, echo.lasted) == ("echo", "35 ms")
    assert list(echo.most.values()) == ["50%", "2", "5", "10 MiB"]
    assert list(concurrent.most.values()) == ["not known", "1", "54", "12 MiB"]
    texts = [text for text in Page(render_html(report())).texts if text.strip()]
    at = texts.index("35 ms")
    assert texts[at - 1 : at + 5] == ["echo", "35 ms", "50%", "2", "5", "10 MiB"]
    assert texts[at + 5 : at + 11] == ["concurrent", "2.0 ms", "not known", "1", "54", "12 MiB"]


# Hidden checks.


def test_what_a_server_used_in_a_hidden_check_is_not_shown() -> None:
    found: Report = report(passed(), failed(hidden=True))

    assert {stretch.check for stretch in shown_resources(found)} == {"echo"}
    assert "54" not in Page(render_html(found)).words


def test_what_a_server_printed_in_a_hidden_check_is_not_shown(grade_source: Grade) -> None:
    source = """
        import socket
        listener = socket.create_server(("", 8080))
        print("started", flush=True)
        while True:
            connection, _ = listener.accept()
            while data := connection.recv(4096):
                print("secret", data, flush=True)
                connection.sendall(data.upper())
            connection.close()
    """
    found = grade_source(source, "- {behaviour: echo, hidden: true}")
    assert found.output.hidden
    assert "secret" in found.output.text
    words = Page(render_html(found)).words
    assert "secret" not in words
    assert "the server that printed this also took part in a hidden check" in words


def test_of_several_outputs_that_of_an_open_check_is_kept(grade_source: Grade) -> None:
    source = """
        import socket
        listener = socket.create_server(("", 8080))
        connection, _ = listener.accept()
        print("hello", flush=True)
        while data := connection.recv(4096):
            print(len(data), flush=True)
            connection.sendall(data.upper())
    """
    checks = "- {behaviour: sequential_clients}\n- {behaviour: echo, hidden: true}\n"
    found = grade_source(source, checks)

    assert not found.output.hidden
    assert found.output.text.startswith("hello\n")


def test_the_model_that_only_a_hidden_check_looked_at_is_not_told() -> None:
    hidden = passed(id="model", behaviour="io_model", hidden=True)

    seen = "one thread serves everybody"
    assert seen not in Page(render_html(report(passed(), hidden))).words
    assert seen in Page(render_html(report(hidden, failed(behaviour="io_model")))).words
