"""Very many clients: held, or turned away without harm; what a machine cannot hold is no fault of the student."""

from __future__ import annotations

import functools
import resource

import pytest
from conftest import Grade, spec_of
from servers import RIGHT, changed

from grader.arena import sandbox
from grader.judgement.budget import Budget
from grader.report.model import CheckResult, Verdict
from grader.spec import SpecError
from grader.stage import settling

GUARD = "if connection.fileno() >= MOST_DESCRIPTORS:"
MANY = "- {behaviour: capacity, clients: 1100, may_refuse: true, at_least: 900}"


def only(grade_source: Grade, source: str, check: str) -> CheckResult:
    (found,) = grade_source(source, check).checks
    return found


def test_a_server_that_turns_away_whom_it_cannot_watch_passes(grade_source: Grade) -> None:
    check = only(grade_source, RIGHT, MANY)

    assert check.verdict is Verdict.PASS
    assert check.facts["served"] == 1020


def test_a_server_that_leaves_them_in_the_queue_passes(grade_source: Grade) -> None:
    source = changed(
        (GUARD, "if False:"),
        ("[listener, *reading]", "([listener] if len(pending) < 950 else []) + reading"),
    )

    check = only(grade_source, source, MANY)

    assert check.verdict is Verdict.PASS
    assert check.facts["served"] == 950


def test_a_server_that_gives_select_too_high_a_descriptor_fails_with_that_diagnosis(grade_source: Grade) -> None:
    check = only(grade_source, changed((GUARD, "if False:")), MANY)

    assert check.verdict is Verdict.FAIL
    assert check.diagnosis
    assert check.diagnosis.id == "beyond-fd-setsize"


def test_a_server_that_turns_away_too_many_fails(grade_source: Grade) -> None:
    check = only(grade_source, changed((GUARD, "if connection.fileno() >= 100:")), MANY)

    assert check.verdict is Verdict.FAIL
    assert "only 96 of 1100 clients were served" in check.summary


def test_without_leave_to_refuse_every_client_must_be_served(grade_source: Grade) -> None:
    check = only(grade_source, RIGHT, "- {behaviour: capacity, clients: 1100}")

    assert check.verdict is Verdict.FAIL


def test_more_clients_than_this_machine_allows_are_inconclusive(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_allowed", lambda which, wanted: 200 if which == resource.RLIMIT_NOFILE else wanted)

    check = only(grade_source, RIGHT, "- {behaviour: capacity, clients: 300}")

    assert check.verdict is Verdict.INCONCLUSIVE
    assert "this machine allows 200 descriptors" in check.summary


def test_more_clients_than_the_specs_own_limits_allow_are_a_problem_of_the_spec() -> None:
    with pytest.raises(SpecError) as caught:
        spec_of("- {behaviour: capacity, clients: 300}", "limits: {files: 200}")

    assert "300 clients need more descriptors than limits.files (200) allows" in str(caught.value)
    assert "write 'limits: {files: 364}'" in str(caught.value)


SELECT_CALL = "        readable, writable, _ = select.select([listener, *reading], writing, [])"
SELECT_AND_LET_GO = """
        wait = max(0, min(going.values()) - time.monotonic()) if going else None
        readable, writable, _ = select.select([listener, *reading], writing, [], wait)
        for connection in [c for c in going if going[c] <= time.monotonic()]:
            del going[connection]
            connection.close()
"""
LETS_GO_LATER = (
    ("import select", "import select, time"),
    ("finished = set()", "going = {}\nfinished = set()"),
    ("finished.discard(connection)\n    connection.close()", "going[connection] = time.monotonic() + 0.2"),
    (SELECT_CALL, SELECT_AND_LET_GO),
)


def test_a_server_that_holds_those_who_left_for_a_moment_may_refuse_until_it_has_let_go(grade_source: Grade) -> None:
    check = only(grade_source, changed(*LETS_GO_LATER), MANY)

    assert check.verdict is Verdict.PASS


def test_a_server_that_refuses_everybody_once_it_was_full_fails(grade_source: Grade) -> None:
    source = changed(
        (GUARD, "if full or connection.fileno() >= MOST_DESCRIPTORS:\n        full.append(True)"),
        ("finished = set()", "full = []\nfinished = set()"),
    )

    check = only(grade_source, source, MANY)

    assert check.verdict is Verdict.FAIL
    assert "after 1100 clients had come and left nobody was served" in check.summary


ROUND_ROBIN = """
import socket
listener = socket.create_server(("", 8080), backlog=100)
listener.settimeout(0.01)
clients = []
while True:
    try:
        clients.append(listener.accept()[0])
        clients[-1].settimeout(0.01)
    except TimeoutError:
        pass
    for client in list(clients):
        try:
            client.sendall(client.recv(4096).upper())
        except TimeoutError:
            pass
"""


def test_a_server_that_takes_each_client_a_little_later_than_the_one_before_does_not_hold_up_the_grading(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is progress, so no single wait is too long; all together are."""
    monkeypatch.setattr(settling, "Budget", functools.partial(Budget, total=3.0))

    check = only(grade_source, ROUND_ROBIN, "- {behaviour: capacity, clients: 1000}")

    assert check.verdict is Verdict.FAIL
    assert check.basis == "budget"
    assert check.summary.endswith("it was not done after 3 s")
