"""The timeline of one check: what each client did and saw, and when."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_PREVIEW = 24


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one client. `at_ns` is monotonic; `size` is in bytes; `detail` a preview of them, or words."""

    at_ns: int
    client: str
    kind: str
    detail: str = ""
    size: int = 0


@dataclass
class Journal:
    """Entries in order, at most `cap`; `dropped` counts what came after."""

    cap: int = 4000
    entries: list[Entry] = field(default_factory=list)
    dropped: int = 0

    def note(self, client: str, kind: str, data: bytes = b"", detail: str = "") -> None:
        """Write down an event, with a preview of the bytes that it moved."""
        if len(self.entries) >= self.cap:
            self.dropped += 1
            return
        self.entries.append(Entry(time.monotonic_ns(), client, kind, detail or preview(data), len(data)))


def preview(data: bytes, length: int = _PREVIEW) -> str:
    """The first bytes as a Python literal would show them, without its quotes; an ellipsis where more follow."""
    shown = repr(data[:length])[2:-1]
    return f"{shown}…" if len(data) > length else shown
