"""The comparison of what a client should receive with what it does receive."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.judgement.protocols import conversation
from grader.judgement.transcript import REPLIES, SuffixTranscript, Transcript
from grader.spec import Protocol


def heard(request: bytes, *pieces: bytes) -> Transcript:
    transcript = Transcript("ann", REPLIES["upper"])
    transcript.announce(request)
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
    transcript.announce(b"two\n")

    assert transcript.missing == 4
    transcript.take(b"TWO\n")
    assert transcript.complete


def suffixed(request: bytes, *pieces: bytes) -> Transcript:
    transcript = conversation(Protocol(suffix="_SB")).transcript("ann")
    transcript.announce(request)
    for piece in pieces:
        transcript.take(piece)
    return transcript


@given(st.binary(min_size=1, max_size=40), st.lists(st.integers(0)), st.lists(st.integers(0)))
def test_every_cutting_into_chunks_is_right(request: bytes, chunks: list[int], pieces: list[int]) -> None:
    reply = b"".join(chunk.upper() + b"_SB" for chunk in cut(request, chunks))

    transcript = suffixed(request, *cut(reply, pieces))

    assert isinstance(transcript, SuffixTranscript)
    assert transcript.complete
    assert transcript.mismatch is None


@given(st.text("ab_sSB", min_size=1, max_size=12).map(str.encode), st.lists(st.integers(0)))
def test_a_request_that_looks_like_the_suffix_is_no_trouble(request: bytes, chunks: list[int]) -> None:
    reply = b"".join(chunk.upper() + b"_SB" for chunk in cut(request, chunks))

    assert suffixed(request, reply).complete


@given(st.text("abc", min_size=1, max_size=20).map(str.encode), st.data())
def test_no_other_reply_is_taken_for_a_cutting(request: bytes, data: st.DataObject) -> None:
    reply = request.upper() + b"_SB"
    at = data.draw(st.integers(0, len(reply) - 1))
    wrong = data.draw(
        st.sampled_from([reply[:at] + b"?" + reply[at + 1 :], reply[:at] + reply[at + 1 :], reply + b"_SB"])
    )

    assert not suffixed(request, wrong).complete


@pytest.mark.parametrize(
    "reply",
    [b"ABC", b"ABC_S", b"_SBABC_SB", b"ABC_SB_SB", b"AB_SB_SBC_SB", b"ABC_SBC_SB", b"abc_SB", b"ABC_SBX"],
)
def test_a_wrong_suffix_is_not_complete(reply: bytes) -> None:
    assert not suffixed(b"abc", reply).complete


def test_what_is_missing_is_the_least_that_must_come() -> None:
    assert suffixed(b"abc").missing == 6
    assert suffixed(b"abc", b"AB").missing == 4
    assert suffixed(b"abc", b"ABC").missing == 3
    assert suffixed(b"abc", b"ABC_S").missing == 1
    assert suffixed(b"abc", b"ABC_SB").missing == 0
    assert str(suffixed(b"abc", b"AX").mismatch) == "byte 1 differs: received 'X', expected 'BC'"
    assert "came although nothing more was asked for" in str(suffixed(b"abc", b"ABC_SBD").mismatch)


def test_a_long_reply_is_followed_quickly_in_one_way() -> None:
    request = bytes(range(65, 91)) * 40_000

    transcript = suffixed(
        request, b"".join(chunk + b"_SB" for chunk in cut(request, list(range(0, len(request), 4096))))
    )

    assert transcript.complete


@pytest.mark.parametrize("reply", ["upper", "echo"])
def test_not_every_message_of_a_stream_ends_with_a_newline(reply: Literal["upper", "echo"]) -> None:
    """Nothing says that one has to: who waits for a newline waits in vain."""
    stream = conversation(Protocol(reply=reply))

    assert [stream.request(number).endswith(b"\n") for number in range(4)] == [True, False, True, False]
    assert len({stream.request(number) for number in range(100)}) == 100
    assert len(stream.request(1, size=1000)) == 1000
