"""Opens sockets that no network namespace holds back: to the hypervisor, to the kernel's ciphers."""

import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


for family in (38, 40):
    try:
        socket.socket(family, socket.SOCK_STREAM if family == 40 else socket.SOCK_SEQPACKET).close()
        claim(f"a socket of family {family}")
    except OSError:
        pass

import right
