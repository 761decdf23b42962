"""All clients of a stage in one epoll set: however many there are, only those who can move are visited."""

from __future__ import annotations

import select
from typing import Protocol


class Mover(Protocol):
    """A client as the crowd moves it."""

    def fileno(self) -> int: ...
    @property
    def wants_to_read(self) -> bool: ...
    @property
    def wants_to_write(self) -> bool: ...
    def pump(self) -> bool: ...


class Crowd:
    """Knows for each client what it waits for; the clients tell when that changes.

    `also` are further descriptors whose readiness ends `wait()`.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._members: dict[int, tuple[Mover, int]] = {}
        self._also: set[int] = set()

    def watch_also(self, fd: int, *, watched: bool) -> None:
        """Let `wait()` end when this descriptor can be read; or no more."""
        if watched and fd not in self._also:
            self._epoll.register(fd, select.EPOLLIN)
            self._also.add(fd)
        if not watched and fd in self._also:
            self._epoll.unregister(fd)
            self._also.discard(fd)

    def update(self, client: Mover) -> None:
        """Take up what a client waits for now; nothing where it waits for nothing."""
        fd = client.fileno()
        events = (select.EPOLLIN if client.wants_to_read else 0) | (select.EPOLLOUT if client.wants_to_write else 0)
        _, before = self._members.get(fd, (None, 0))
        if events == before:
            return
        if not events:
            self.leave(fd)
            return
        if before:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._members[fd] = (client, events)

    def leave(self, fd: int) -> None:
        """Forget a descriptor, before it is closed."""
        if self._members.pop(fd, None):
            self._epoll.unregister(fd)

    def pump(self) -> None:
        """Move every client who can be moved, as far as it goes."""
        most = max(len(self._members) + len(self._also), 1)
        for fd, _ in self._epoll.poll(0, most):
            client, _ = self._members.get(fd, (None, 0))
            while client and client.pump():
                pass

    def wait(self, seconds: float) -> None:
        """Until a client can move or a further descriptor is ready, but no longer than `seconds`."""
        self._epoll.poll(seconds, 1)

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()
