"""Opens raw and packet sockets."""

import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


for family, kind, number in ((2, 3, 1), (10, 3, 58), (17, 3, 0x0300)):
    try:
        socket.socket(family, kind, number).close()
        claim(f"a raw socket of family {family}")
    except OSError:
        pass

import right
