"""The comparison of what a client should receive with what it does receive."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from grader.judgement.transcript import REPLIES, Transcript


def heard(request: bytes, *pieces: bytes) -> Transcript:
    transcript = Transcript("ann", REPLIES["upper"])
    transcript.expect(request)
    for piece in pieces:
        transcript.take(piece)
    return transcript


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.binary(min_size=1), st.lists(st.integers(min_value=0)))
def test_the_reply_is_right_however_it_is_cut(request: bytes, places: list[int]) -> None:
    transcript = heard(request, *cut(request.upper(), places))

    assert transcript.complete
    assert transcript.missing == 0


@given(st.binary(min_size=1), st.data(), st.lists(st.integers(min_value=0)))
def test_one_wrong_byte_is_found_where_it_is(request: bytes, data: st.DataObject, places: list[int]) -> None:
    reply = request.upper()
    at = data.draw(st.integers(0, len(reply) - 1))
    wrong = reply[:at] + bytes([reply[at] ^ 1]) + reply[at + 1 :]

    transcript = heard(request, *cut(wrong, places))

    assert transcript.mismatch is not None
    assert transcript.mismatch.offset == at
    assert not transcript.complete


@given(st.binary(min_size=1), st.data())
def test_a_reply_that_is_too_short_is_not_complete(request: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(request) - 1))

    transcript = heard(request, request.upper()[:length])

    assert transcript.mismatch is None
    assert transcript.missing == len(request) - length
    assert not transcript.complete


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_bytes_that_nobody_asked_for_are_found(request: bytes, extra: bytes) -> None:
    transcript = heard(request, request.upper() + extra)

    assert transcript.mismatch is not None
    assert transcript.mismatch.extra
    assert transcript.mismatch.offset == len(request)


def test_a_mismatch_shows_the_neighbourhood_of_the_first_wrong_byte() -> None:
    transcript = heard(b"the quick brown fox jumps", b"THE QUICK BROWN FAX JUMPS")

    assert str(transcript.mismatch).startswith("byte 17 differs: received ")
    assert "FAX" in str(transcript.mismatch)
    assert "FOX" in str(transcript.mismatch)


def test_replies_to_several_requests_follow_each_other() -> None:
    transcript = heard(b"one\n", b"ONE\n")
    transcript.expect(b"two\n")

    assert transcript.missing == 4
    transcript.take(b"TWO\n")
    assert transcript.complete
