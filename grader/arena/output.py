"""What a server prints: always drained, so that it never waits for us, and kept only up to a cap."""

from __future__ import annotations

import os
from collections import deque

_CHUNK = 1 << 16
_CHUNKS_AT_ONCE = 16


class Output:
    """The reading end of a server's stdout and stderr; keeps the first and the last `cap` / 2 bytes.

    `ended` is set once nobody holds the writing end any more.
    """

    def __init__(self, fd: int, cap: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.total = 0
        self.ended = False
        self._closed = False
        self._half = max(cap // 2, 1)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def drain(self) -> None:
        """Take what is there, but not for ever: a flood must not keep the grader from its work."""
        for _ in range(0 if self._closed else _CHUNKS_AT_ONCE):
            try:
                data = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self.ended = True
                return
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        rest = data[room:] if room > 0 else data
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())

    @property
    def kept(self) -> int:
        """How many bytes are kept."""
        return len(self._head) + min(self._tail_size, self._half)

    @property
    def text(self) -> str:
        """What is kept, with a notice where some was left out; what is not UTF-8 shows as replacement characters."""
        return self.since(0)

    def since(self, total: int) -> str:
        """The same of what came after the first `total` bytes."""
        tail = b"".join(self._tail)[-self._half :]
        left_out = self.total - self.kept
        notice = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out else b""
        missed = max(total - (self.total - len(tail)), 0)
        return (bytes(self._head[total:]) + notice + tail[missed:]).decode(errors="replace")

    def close(self) -> None:
        """Give the descriptor back."""
        self._closed = True
        os.close(self.fd)
