"""One TCP client of the grader: never blocks, writes down all it does and sees, and knows how to leave in many ways."""

from __future__ import annotations

import array
import errno
import fcntl
import os
import select
import socket
import struct
import termios
from collections.abc import Callable

from grader.clients.crowd import Crowd
from grader.clients.journal import Journal
from grader.evidence.records import ClientPhase, ClientState

_CHUNK = 1 << 18
_CHUNKS_AT_ONCE = 8
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Client:
    """A connection to the server under grading.

    Every method returns at once. `pump()` moves what can be moved; `on_data` is given the bytes that arrive, in order.
    `ending` is how the server's side ended it: "" (not at all), "fin" or "reset". A `crowd` is told whenever what the
    client waits for changes.
    """

    def __init__(
        self,
        name: str,
        journal: Journal,
        on_data: Callable[[bytes], None] | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        self.name = name
        self.phase = ClientPhase.CONNECTING
        self.ending = ""
        self.sent = self.received = 0
        self.reads = True
        self.refused = ""
        self.on_data = on_data
        self.local_port = self.server_port = 0
        self._journal = journal
        self._crowd = crowd
        self._pending = bytearray()
        self._finishing = False
        self._was_reset = False
        self._socket: socket.socket | None = None

    def connect(self, address: str, port: int, receive_buffer: int | None = None, segment: int | None = None) -> None:
        """Begin to connect.

        `receive_buffer` (bytes) bounds what the kernel takes for a client who does not read, and `segment`, the most
        bytes that the server's side may put into one segment, bounds what it takes from the server on the way.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self.server_port = sock, port
        self._journal.note(self.name, "connect")
        result = sock.connect_ex((address, port))
        self.local_port = sock.getsockname()[1]
        if result not in (0, errno.EINPROGRESS):
            self._refuse(result)
        self._tell()

    def _tell(self) -> None:
        if self._crowd and self._socket:
            self._crowd.update(self)

    def _refuse(self, number: int) -> None:
        self.refused = os.strerror(number)
        self.phase = ClientPhase.CLOSED
        self._journal.note(self.name, "refused", detail=self.refused)
        self._drop()

    def fileno(self) -> int:
        """The descriptor to watch, -1 when there is none any more."""
        return self._socket.fileno() if self._socket else -1

    @property
    def alive(self) -> bool:
        """Whether this side still holds the connection."""
        return self._socket is not None and self.phase is not ClientPhase.CONNECTING

    @property
    def wants_to_write(self) -> bool:
        """Whether there is something that waits for room in the socket, or for the handshake."""
        return bool(self._pending) or self._finishing or self.phase is ClientPhase.CONNECTING

    @property
    def wants_to_read(self) -> bool:
        """Whether arriving bytes would be taken."""
        return self.reads and not self.ending

    @property
    def hears(self) -> bool:
        """Whether it would hear of the end of its connection, and has not."""
        return self.alive and self.wants_to_read

    @property
    def ports(self) -> tuple[int, int]:
        """The server's port and ours: the connection as the server's side of the socket table shows it."""
        return self.server_port, self.local_port

    def send(self, data: bytes) -> None:
        """Send, or keep for later what the socket does not take now."""
        self._pending += data
        self.pump()

    def finish(self) -> None:
        """Half-close: no more will be sent (shutdown(2) with SHUT_WR), as soon as all is sent."""
        self._finishing = True
        self.pump()

    def pause(self) -> None:
        """Stop reading: what the server sends piles up."""
        self.reads = False
        self._journal.note(self.name, "pause")
        self._tell()

    def resume(self) -> None:
        """Read again."""
        self.reads = True
        self._journal.note(self.name, "resume")
        self._tell()

    def close(self) -> None:
        """Leave with FIN; if something lies unread the kernel makes a reset of it (tcp(7))."""
        if self._socket:
            self._journal.note(self.name, "close")
            self.phase = ClientPhase.CLOSED
            self._drop()

    def reset(self) -> None:
        """Leave with RST."""
        if self._socket:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._journal.note(self.name, "reset")
            self.phase = ClientPhase.RESET
            self._drop()

    def _drop(self) -> None:
        if self._socket:
            if self._crowd:
                self._crowd.leave(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def pump(self) -> bool:
        """Move what can be moved; True if anything was."""
        if not self._socket:
            return False
        moved = self._finish_connecting() if self.phase is ClientPhase.CONNECTING else self._write() | self._read()
        self._tell()
        return moved

    def _finish_connecting(self) -> bool:
        assert self._socket  # noqa: S101 - pump() has looked
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._refuse(number)
            return True
        try:
            self._socket.getpeername()
        except OSError:
            return False
        self.phase = ClientPhase.OPEN
        self._journal.note(self.name, "connected")
        self.pump()
        return True

    def _write(self) -> bool:
        assert self._socket  # noqa: S101 - pump() has looked
        moved = False
        while self._pending:
            try:
                count = self._socket.send(memoryview(self._pending)[:_CHUNK])
            except BlockingIOError:
                return moved
            except OSError:
                # The server has reset the connection, and this is the only time that the kernel says so: after what
                # lies unread, recv() will just return nothing.
                self._was_reset = True
                self._pending.clear()
                self._finishing = False
                return True
            self._journal.note(self.name, "send", bytes(self._pending[:count]))
            del self._pending[:count]
            self.sent += count
            moved = True
        if self._finishing:
            self._finishing = False
            moved = True
            self._shut_down()
        return moved

    def _shut_down(self) -> None:
        assert self._socket  # noqa: S101 - pump() has looked
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # already reset by the server
        self.phase = ClientPhase.HALF_CLOSED
        self._journal.note(self.name, "shutdown")

    def _read(self) -> bool:
        assert self._socket  # noqa: S101 - pump() has looked
        for turn in range(_CHUNKS_AT_ONCE):
            if not self.wants_to_read:
                return turn > 0
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return turn > 0
            except OSError:
                self._end("reset")
                return True
            if not data:
                self._end("reset" if self._was_reset else "fin")
                return True
            # Acknowledge at once, so that nothing counts as under way which has long arrived (tcp(7)).
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            self.received += len(data)
            self._journal.note(self.name, "receive", data)
            if self.on_data:
                self.on_data(data)
        return True

    def _end(self, ending: str) -> None:
        self.ending = ending
        self._journal.note(self.name, "end_of_stream" if ending == "fin" else "reset_received")

    def state(self) -> ClientState:
        """What a proof needs to know of this client."""
        ready = self._ready()
        return ClientState(
            name=self.name,
            phase=self.phase,
            local_port=self.local_port,
            server_port=self.server_port,
            sent=self.sent,
            received=self.received,
            unsent=len(self._pending),
            can_send=bool(self._pending and ready & select.POLLOUT),
            unread=self._unread(),
            readable=bool(self.wants_to_read and ready & ~select.POLLOUT),
            reads=self.reads,
            ended=bool(self.ending),
            refused=self.refused == os.strerror(errno.ECONNREFUSED),
        )

    def _unread(self) -> int:
        if not self._socket or self.phase is ClientPhase.CONNECTING:
            return 0
        count = array.array("i", [0])
        fcntl.ioctl(self._socket, termios.FIONREAD, count)
        return count[0]

    def _ready(self) -> int:
        if not self._socket or self.phase is ClientPhase.CONNECTING:
            return 0
        poller = select.poll()
        poller.register(self._socket, select.POLLOUT | select.POLLIN | select.POLLRDHUP)
        return next((events for _, events in poller.poll(0)), 0)
