"""Servers as text, to be changed in one place and graded."""

from __future__ import annotations

from pathlib import Path

RIGHT = (Path(__file__).resolve().parents[1] / "submissions" / "alice" / "server.py").read_text()
"""A right server with select(), of the demo class."""

BIND = "listener.bind((HOST, PORT))"
LISTEN = "listener.listen(128)"
SELECT = "select.select([listener, *reading], writing, [])"


def changed(*replacements: tuple[str, str]) -> str:
    """The right server with some of its text replaced; each must be there."""
    text = RIGHT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text
