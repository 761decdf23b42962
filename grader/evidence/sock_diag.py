"""Every TCP socket of a network namespace, from the kernel's own table (sock_diag(7), linux/inet_diag.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from grader.evidence.records import TcpSocket, TcpState

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_DUMP_REQUEST = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_DONE, _ERROR = 3, 2
_INET_DIAG_INFO = 2
_TIME_WAIT, _LISTEN = 6, 10
_LIVE_STATES = 0xFFFFFFFF & ~(1 << _TIME_WAIT)

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI48s")
_MESSAGE = struct.Struct("=BBBB2s2s16s16sI8sIIIII")
_ATTRIBUTE = struct.Struct("=HH")
# From struct tcp_info (linux/tcp.h): in flight, acknowledged, received, unsent, at offsets 24, 120, 128 and 144. The
# kernel only ever appends to it.
_INFO = struct.Struct("=24xI92xQQ8xI")

_STATES = {
    1: TcpState.ESTABLISHED, 2: TcpState.SYN_SENT, 3: TcpState.SYN_RECV, 4: TcpState.FIN_WAIT1,
    5: TcpState.FIN_WAIT2, 6: TcpState.TIME_WAIT, 7: TcpState.CLOSE, 8: TcpState.CLOSE_WAIT,
    9: TcpState.LAST_ACK, 10: TcpState.LISTEN, 11: TcpState.CLOSING, 12: TcpState.SYN_RECV,
}  # fmt: skip


class SocketTable:
    """A view on the network namespace in which it was made, also when the process moves to another one.

    Raises:
        OSError: the kernel offers no sock_diag.
    """

    def __init__(self) -> None:
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)

    def close(self) -> None:
        """Give the descriptor back."""
        self._netlink.close()

    def read(self) -> tuple[TcpSocket, ...]:
        """All TCP sockets, IPv4 and IPv6, but those in TIME_WAIT: nobody owns them, and nothing comes of them."""
        return self._both(_LIVE_STATES)

    def read_listeners(self) -> tuple[TcpSocket, ...]:
        """Only the sockets in LISTEN: cheap however many connections there are."""
        return self._both(1 << _LISTEN)

    def read_time_wait(self) -> tuple[TcpSocket, ...]:
        """Only the connections in TIME_WAIT: closed from this side, their ports not free for everybody yet."""
        return self._both(1 << _TIME_WAIT)

    def _both(self, states: int) -> tuple[TcpSocket, ...]:
        return tuple(entry for family in (socket.AF_INET, socket.AF_INET6) for entry in self._dump(family, states))

    def _dump(self, family: int, states: int) -> Iterator[TcpSocket]:
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), 0, states, b"\0" * 48)
        header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _DUMP_REQUEST, 0, 0)
        self._netlink.send(header + request)
        while True:
            data, at = self._netlink.recv(1 << 18), 0
            while at < len(data):
                length, kind, *_ = _HEADER.unpack_from(data, at)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", data, at + _HEADER.size)
                    raise OSError(-code, "sock_diag refused")
                yield _parse(data[at + _HEADER.size : at + length])
                at += (length + 3) & ~3


def _parse(body: bytes) -> TcpSocket:
    family, state, _, _, sport, dport, source, _, _, _, _, rqueue, wqueue, _, inode = _MESSAGE.unpack_from(body)
    # An older kernel's tcp_info is shorter: what it does not tell is 0.
    info = _attribute(body[_MESSAGE.size :], _INET_DIAG_INFO).ljust(_INFO.size, b"\0")
    in_flight, acknowledged, received, unsent = _INFO.unpack_from(info)
    return TcpSocket(
        state=_STATES.get(state, TcpState.CLOSE),
        local_port=int.from_bytes(sport, "big"),
        remote_port=int.from_bytes(dport, "big"),
        local_address=_address(family, source),
        receive_queue=rqueue,
        send_queue=wqueue,
        in_flight=in_flight,
        unsent=unsent,
        received=received,
        acknowledged=acknowledged,
        inode=inode,
    )


def _address(family: int, raw: bytes) -> str:
    return socket.inet_ntop(family, raw[: 4 if family == socket.AF_INET else 16])


def _attribute(data: bytes, wanted: int) -> bytes:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if kind == wanted:
            return data[_ATTRIBUTE.size : length]
        data = data[max((length + 3) & ~3, _ATTRIBUTE.size) :]
    return b""
