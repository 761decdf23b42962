"""The timeline of one check: what each client did and saw, and when."""

from __future__ import annotations

import time
from collections import deque
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
    """Entries in order, the first and the last `cap` / 2 of them; `dropped` counts those in between."""

    cap: int = 4000
    dropped: int = 0
    _first: list[Entry] = field(default_factory=list)
    _last: deque[Entry] = field(default_factory=deque)

    def note(self, client: str, kind: str, data: bytes = b"", detail: str = "") -> None:
        """Write down an event, with a preview of the bytes that it moved."""
        entry = Entry(time.monotonic_ns(), client, kind, detail or preview(data), len(data))
        if len(self._first) < self.cap // 2:
            self._first.append(entry)
            return
        self._last.append(entry)
        if len(self._last) > self.cap // 2:
            self._last.popleft()
            self.dropped += 1

    @property
    def entries(self) -> list[Entry]:
        """What is kept, in order."""
        return [*self._first, *self._last]


def preview(data: bytes, length: int = _PREVIEW) -> str:
    """The first bytes as a Python literal would show them, without its quotes; an ellipsis where more follow."""
    shown = repr(data[:length])[2:-1]
    return f"{shown}…" if len(data) > length else shown
