"""Text that a submission chose, made harmless for terminals and pages."""

from __future__ import annotations

import unicodedata

_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def escape_text(text: str, *, keep: str = "") -> str:
    r"""Control, format and bidirectional characters are spelled out (`\x1b`, `\u202e`), but for those in `keep`.

    Markup is not touched here: pages escape it themselves.
    """
    return "".join(char if char in keep or not harmful(char) else _spelled(char) for char in text)


def harmful(char: str) -> bool:
    """Whether a character is one for control or format, or none at all."""
    return unicodedata.category(char) in _HARMFUL


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
