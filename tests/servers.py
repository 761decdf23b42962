"""Servers as text, to be changed in one place and graded."""

from __future__ import annotations

from pathlib import Path

RIGHT = (Path(__file__).resolve().parents[1] / "reference" / "servers" / "select.py").read_text()
"""The model solution for select()."""

BIND = "listener.bind((HOST, PORT))"
LISTEN = "listener.listen(128)"
SELECT = "select.select([listener, *reading], writing, [])"


def changed(*replacements: tuple[str, str]) -> str:
    """The model solution with some of its text replaced; each must be there."""
    text = RIGHT
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text
