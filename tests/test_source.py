"""What is read from the student's source and from the tracebacks it printed; parsed, never run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.judgement.source import (
    Traceback,
    call_lines,
    calls_at,
    first_traceback,
    function_at,
    imported,
    last_traceback,
    locks_held,
    locks_taken,
    own_names,
    scope_lines,
    waits_for_worker,
    works_itself,
)

PRINTED = """\
listening
Traceback (most recent call last):
  File "/submission/server.py", line 30, in <module>
    main()
  File "/submission/net/loop.py", line 12, in run
    handler(sock)
  File "/usr/lib/python3.11/socket.py", line 99, in send
    raise
ConnectionResetError: [Errno 104] Connection reset by peer
"""


def test_the_last_frame_in_the_students_own_files_counts() -> None:
    found = last_traceback(PRINTED, "/submission")

    assert found == Traceback("ConnectionResetError", "[Errno 104] Connection reset by peer", "net/loop.py", 12)


SECOND = PRINTED.replace("ConnectionResetError: [Errno 104] Connection reset by peer", "KeyError: 7").replace(
    "12", "15"
)


def test_of_two_tracebacks_the_last_counts() -> None:
    assert last_traceback(PRINTED + SECOND, "/submission") == Traceback("KeyError", "7", "net/loop.py", 15)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "Traceback (most recent call last):\n",  # another thread's, whose lines come later
        PRINTED.replace("/submission/", "/usr/lib/"),
    ],
    ids=["nothing", "a heading alone", "one of the library's"],
)
def test_the_first_traceback_is_the_first_through_the_students_own_files(before: str) -> None:
    found = first_traceback(before + SECOND + PRINTED, "/submission")

    assert found == Traceback("KeyError", "7", "net/loop.py", 15)
    assert first_traceback(before, "/submission") is None


def test_a_syntax_error_has_no_heading() -> None:
    printed = "  File \"/submission/server.py\", line 12\n    if x\n        ^\nSyntaxError: expected ':'\n"

    assert last_traceback(printed, "/submission") == Traceback("SyntaxError", "expected ':'", "server.py", 12)


@pytest.mark.parametrize(
    "printed", ["", "all is well\n", "Error: no frame\n", "Traceback (most recent call last):\n", "ValueError\n"]
)
def test_what_is_no_traceback_is_none(printed: str) -> None:
    assert last_traceback(printed, "/submission") is None


@given(st.text())
def test_anything_may_be_printed(printed: str) -> None:
    last_traceback(printed, "/submission")
    last_traceback(PRINTED + printed, "/submission")
    first_traceback(PRINTED + printed, "/submission")


def test_calls_are_found_by_line_even_if_they_span_several() -> None:
    lines = ["x = select(", "    a,", "    b)", "y = 1"]

    assert len(calls_at(lines, 2)) == 1
    assert calls_at(lines, 4) == []


def test_calls_are_looked_for_in_the_function_around_a_line_nearest_first() -> None:
    lines = ["async def one(s):", "    s.recv(1)", "    s.recv(2)", "def two(s):", "    s.recv(3)", "top.recv(4)"]

    assert scope_lines(lines, {"recv"}, 3) == [3, 2]
    assert scope_lines(lines, {"recv"}, 5) == [5]
    assert scope_lines(lines, {"recv"}, 6) == [6]
    assert scope_lines(lines, {"send"}, 3) == []


def test_of_nested_functions_the_innermost_counts() -> None:
    lines = ["def outer(s):", "    def inner():", "        s.recv(1)", "    s.recv(2)"]

    assert scope_lines(lines, {"recv"}, 3) == [3]
    assert scope_lines(lines, {"recv"}, 4) == [4]
    assert [function_at([*lines, "outer(s)"], number) for number in (1, 3, 4, 5)] == [
        "outer",
        "inner",
        "outer",
        "<module>",
    ]


def test_a_function_of_their_own_is_not_the_call_that_is_looked_for() -> None:
    wire = ["def read(s):", "    return s.read(1)"]
    lines = ["from wire import read", "read(one)", "self.read()", "net.wire.read(two)", "three.read()", "recv(four)"]

    assert own_names({"net/wire.py": wire}) == {"read", "self.read", "cls.read", "wire.read"}
    assert call_lines(wire, {"read"}, own_names({"net/wire.py": wire})) == [2]
    assert call_lines(lines, {"read", "recv"}, own_names({"net/wire.py": wire})) == [5, 6]
    assert scope_lines(lines, {"read", "recv"}, 5, own_names({"net/wire.py": wire})) == [5, 6]
    assert call_lines(lines, {"read", "recv"}) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("line", "waits", "works"),
    [
        ("thread.join()", True, False),
        ("thread.join(timeout=None)", True, False),
        ("', '.join(names)", False, False),
        ("pool.submit(serve, client).result()", True, False),
        ("os.waitpid(pid, 0)", True, False),
        ("os.wait()", True, False),
        ("event.wait()", False, False),
        ("threading.Thread(target=serve(client))", False, True),
        ("Process(target=self.serve(client), daemon=True)", False, True),
        ("pool.submit(serve(client))", False, True),
        ("Thread(target=serve, args=(client,))", False, False),
        ("pool.submit(serve, read(client))", False, False),
        ("run(target=serve(client))", False, False),
    ],
)
def test_who_waits_for_a_worker_and_who_does_its_work_is_seen(line: str, waits: bool, works: bool) -> None:
    calls = calls_at([line], 1)

    assert (any(map(waits_for_worker, calls)), any(map(works_itself, calls))) == (waits, works)


def test_what_is_locked_at_a_line_is_seen() -> None:
    lines = [
        "def one():",
        "    with self.lock, open(name) as file:",
        "        recv()",
        "    done()",
        "def two():",
        "    turn.acquire()",
        "    recv()",
        "    turn.release()",
        "    recv()",
    ]

    assert [sorted(locks_taken(lines, number)) for number in (2, 3, 6)] == [["open(name)", "self.lock"], [], ["turn"]]
    assert [sorted(locks_held(lines, number)) for number in (2, 3, 4, 6, 7, 9)] == [
        [],
        ["open(name)", "self.lock"],
        [],
        [],
        ["turn"],
        [],
    ]


def test_a_source_that_nobody_wrote_is_not_parsed() -> None:
    assert call_lines(["s.recv(1)"] * 20_000, {"recv"})
    assert call_lines(["s.recv(1)"] * 40_000, {"recv"}) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import loop", {"net/loop.py"}),
        ("from .loop import run", {"net/loop.py"}),
        ("from . import loop, talk", {"net/loop.py", "net/talk/__init__.py"}),
        ("import net.talk as t, wire", {"net/talk/__init__.py", "wire.py"}),
        ("from wire import *", {"wire.py"}),
        ("import socket", set()),
        ("from .. import gone", set()),
        ("import (", set()),
    ],
)
def test_what_a_file_imports_of_the_submission_is_found(line: str, found: set[str]) -> None:
    files = {"server.py", "net/loop.py", "net/talk/__init__.py", "wire.py"}

    assert imported([line], "net/main.py", files) == found


@given(st.text(), st.integers(-3, 50))
def test_anything_may_stand_in_a_source_file(text: str, near: int) -> None:
    lines = text.splitlines()

    assert all(line >= 1 for line in scope_lines(lines, {"recv"}, near))
    calls_at(lines, near)
    locks_taken(lines, near)
    locks_held(lines, near)
    imported(lines, "server.py", {"server.py"})
