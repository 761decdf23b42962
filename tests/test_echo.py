"""What a message may look like: servers that answer most messages rightly, and not all."""

from __future__ import annotations

from conftest import Grade, only
from servers import changed

from grader.report.model import Verdict

SHORT = "- {behaviour: echo, sizes: [5 B], pieces: 0, pipelined: 0}"


def replying(reply: str) -> str:
    """A right server but for what it replies to `data`."""
    return changed(("data.upper()", reply))


def test_characters_beyond_the_alphabet_are_no_letters(grade_source: Grade) -> None:
    """In C it is soon written so: whatever comes after 'a' becomes what comes 32 before it."""
    check = only(grade_source(replying("bytes(c - 32 if c >= 97 else c for c in data)"), SHORT))

    assert check.verdict is Verdict.FAIL
    assert check.summary.startswith("a message of all printable characters was not answered rightly")


def test_no_character_is_swallowed(grade_source: Grade) -> None:
    assert only(grade_source(replying('data.replace(b"\\r\\n", b"\\n").upper()'), SHORT)).verdict is Verdict.FAIL


def test_a_text_of_every_character_may_be_read_as_text(grade_source: Grade) -> None:
    assert only(grade_source(replying("data.decode().upper().encode()"))).verdict is Verdict.PASS


def test_a_message_may_fill_the_buffer(grade_source: Grade) -> None:
    """Whoever takes a short read for the end of a message waits for one that never comes."""
    wrong = """
    import socket

    listener = socket.create_server(("", 8080))
    while True:
        connection, _ = listener.accept()
        message = b""
        while data := connection.recv(1000):
            message += data
            if len(data) < 1000:
                connection.sendall(message.upper())
                message = b""
        connection.close()
    """

    check = only(grade_source(wrong))

    assert (check.verdict, check.basis) == (Verdict.FAIL, "proof")
    assert check.summary.startswith("a message of 1000 bytes was not answered rightly")
    assert check.diagnosis is None or check.diagnosis.id == "waits-for-more"
