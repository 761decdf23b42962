"""Servers that serve only so many at once: what they owe to those who wait."""

from __future__ import annotations

import pytest
from conftest import ROOT, Grade, spec_of

from grader.report.model import Basis, CheckResult, Verdict
from grader.spec import SpecError

QUEUE = "- {behaviour: queued_clients, clients: 4}"
POOL = "- {behaviour: pool_limit, at_least: 2, at_most: 6, clients: 9}"


def server(name: str) -> str:
    return (ROOT / "reference" / "servers" / name / "server.py").read_text()


def only(grade_source: Grade, source: str, check: str) -> CheckResult:
    (found,) = grade_source(source, check).checks
    return found


@pytest.mark.parametrize("name", ["blocking", "socketserver", "threads", "select", "prefork"])
def test_the_next_is_served_when_the_one_before_has_left(grade_source: Grade, name: str) -> None:
    assert only(grade_source, server(name), QUEUE).verdict is Verdict.PASS


def test_a_server_that_stops_after_its_first_client_is_found(grade_source: Grade) -> None:
    source = server("blocking").replace(
        "        while True:\n            connection", "        for _ in range(1):\n            connection"
    )

    check = only(grade_source, source, QUEUE)

    assert check.verdict is Verdict.FAIL
    assert "client 2 was not served after client 1 had left" in check.summary


def test_a_server_that_never_comes_back_for_the_next_is_proved_stuck(grade_source: Grade) -> None:
    source = server("blocking").replace(
        "    except ConnectionError:\n        pass", "    except ConnectionError:\n        pass\n    signal.pause()"
    )

    check = only(grade_source, source, QUEUE)

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)


@pytest.mark.parametrize(
    ("name", "old", "new", "bound"),
    [
        ("thread_pool", "WORKERS = 8", "WORKERS = 3", 3),
        ("thread_pool", "WORKERS = 8", "WORKERS = 6", 6),
        ("prefork", "WORKERS = 4", "WORKERS = 2", 2),
    ],
)
def test_the_bound_of_a_pool_is_observed(grade_source: Grade, name: str, old: str, new: str, bound: int) -> None:
    assert old in server(name)

    check = only(grade_source, server(name).replace(old, new), POOL)

    assert check.verdict is Verdict.PASS
    assert check.facts["bound"] == bound


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (server("thread_pool"), "8 of 9 clients were served at once, more than a pool of 6 can"),
        (server("threads"), "9 of 9 clients were served at once, more than a pool of 6 can"),
        (server("blocking"), "only 1 of 9 clients were served at once, at least 2 are to be"),
    ],
)
def test_a_pool_of_another_size_is_none(grade_source: Grade, source: str, said: str) -> None:
    check = only(grade_source, source, POOL)

    assert check.verdict is Verdict.FAIL
    assert said in check.summary


def test_a_worker_that_dies_with_its_client_is_found(grade_source: Grade) -> None:
    source = (
        server("thread_pool")
        .replace("    while True:\n        serve(waiting.get())", "    serve(waiting.get())")
        .replace("WORKERS = 8", "WORKERS = 3")
    )

    check = only(grade_source, source, POOL)

    assert check.verdict is Verdict.FAIL
    assert "still waited when another had left" in check.summary


def test_bounds_out_of_order_are_refused() -> None:
    with pytest.raises(SpecError, match="must grow in this order"):
        spec_of("- {behaviour: pool_limit, at_least: 9, at_most: 6, clients: 9}")


def test_a_suffix_for_each_chunk_is_accepted_however_it_is_cut(grade_source: Grade) -> None:
    source = server("select").replace("data.upper()", 'data.upper() + b"_SB"')
    head = "protocol: {reply: upper, suffix: _SB}"
    checks = (
        "- behaviour: echo\n- {behaviour: concurrent_clients, clients: 5}\n- {behaviour: large_message, size: 64 KiB}"
    )

    assert [check.verdict for check in grade_source(source, checks, head=head).checks] == [Verdict.PASS] * 3
    assert grade_source(server("select"), "- behaviour: echo", head=head).checks[0].verdict is Verdict.FAIL


def test_those_who_come_one_by_one_are_served_by_a_server_for_one(grade_source: Grade) -> None:
    for how in ("fin", "reset", "half_close"):
        check = f"- {{behaviour: disconnect, how: {how}, clients: 2, staying: false}}"
        assert only(grade_source, server("blocking"), check).verdict is Verdict.PASS


def test_zombies_are_counted(grade_source: Grade) -> None:
    source = (ROOT / "reference" / "mutants" / "processes" / "zombies" / "server.py").read_text()

    check = only(grade_source, source, "- {behaviour: disconnect, how: fin, clients: 3}")

    assert check.verdict is Verdict.FAIL
    assert "zombie processes grew with every round" in check.summary
