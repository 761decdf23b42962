"""Takes another folder for its root, and leaves it by chroot(2) once more."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


try:
    os.mkdir("root")
    os.chroot("root")
    claim("another root")
except OSError:
    pass

import right
