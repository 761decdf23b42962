"""What is kept of what a server prints: its beginning and its end, and from which byte on."""

from __future__ import annotations

import os

import pytest

from grader.arena.output import Output


def kept(*pieces: bytes, cap: int) -> Output:
    """Of these pieces, each taken before the next is printed."""
    reading, writing = os.pipe()
    output = Output(reading, cap)
    for piece in pieces:
        os.write(writing, piece)
        output.drain()
    os.close(writing)
    output.close()
    return output


def test_all_is_kept_up_to_the_cap() -> None:
    assert kept(b"abc", b"def", cap=6).text == "abcdef"


def test_of_more_the_beginning_and_the_end_are_kept() -> None:
    output = kept(b"abcd", b"efgh", b"ijkl", cap=6)

    assert output.text == "abc\n[... 6 bytes left out ...]\njkl"
    assert (output.total, output.kept) == (12, 6)


@pytest.mark.parametrize(
    ("total", "text"),
    [
        (1, "bc\n[... 6 bytes left out ...]\njkl"),
        (3, "\n[... 6 bytes left out ...]\njkl"),
        (8, "\n[... 6 bytes left out ...]\njkl"),
        (10, "\n[... 6 bytes left out ...]\nkl"),
        (12, "\n[... 6 bytes left out ...]\n"),
    ],
)
def test_what_came_after_some_bytes_is_told_apart(total: int, text: str) -> None:
    assert kept(b"abcd", b"efgh", b"ijkl", cap=6).since(total) == text


@pytest.mark.parametrize("total", range(7))
def test_where_nothing_was_left_out_it_is_the_rest(total: int) -> None:
    assert kept(b"ab", b"cdef", cap=8).since(total) == "abcdef"[total:]
