"""The socket table of a network that others use too: only what belongs to the server under grading is told."""

from __future__ import annotations

from collections.abc import Callable

from grader.evidence.records import TcpSocket, TcpState
from grader.evidence.sock_diag import SocketTable


class SharedTable(SocketTable):
    """Shows the listeners that the server's own processes hold, and all connections to and from their ports.

    A listener of another process never shows, not even on the same port (SO_REUSEPORT).
    """

    def __init__(self) -> None:
        super().__init__()
        self._held: Callable[[], set[int]] = set
        self._own: set[int] = set()
        self._foreign: set[int] = set()
        self._ports: set[int] = set()

    def belongs_to(self, held: Callable[[], set[int]]) -> None:
        """`held` tells the inodes of the sockets that the server's processes hold now."""
        self._held, self._own, self._foreign = held, set(), set()

    def read(self) -> tuple[TcpSocket, ...]:
        return self._ours(super().read())

    def read_listeners(self) -> tuple[TcpSocket, ...]:
        return self._ours(super().read_listeners())

    def read_time_wait(self) -> tuple[TcpSocket, ...]:
        return self._ours(super().read_time_wait())

    def connections(self) -> set[tuple[int, int]]:
        """All connections with the server's ports, each as the server's port and the other; those in TIME_WAIT too."""
        found = {(e.local_port, e.remote_port) for e in (*self.read(), *self.read_time_wait()) if e.remote_port}
        return {ends if ends[0] in self._ports else ends[::-1] for ends in found}

    def _ours(self, entries: tuple[TcpSocket, ...]) -> tuple[TcpSocket, ...]:
        self._learn([entry for entry in entries if entry.state is TcpState.LISTEN])
        return tuple(entry for entry in entries if self._is_ours(entry))

    def _learn(self, listeners: list[TcpSocket]) -> None:
        # Whose a listener is does not change, so each is looked up once.
        there = {entry.inode for entry in listeners}
        if new := there - self._own - self._foreign:
            own = new & self._held()
            self._own |= own
            self._foreign = (self._foreign | new - own) & there
            self._ports |= {entry.local_port for entry in listeners if entry.inode in own}

    def _is_ours(self, entry: TcpSocket) -> bool:
        if entry.state is TcpState.LISTEN:
            return entry.inode in self._own
        return entry.local_port in self._ports or entry.remote_port in self._ports
