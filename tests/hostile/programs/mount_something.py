"""Mounts a file system over another."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


if libc.mount(b"none", b"/usr", b"tmpfs", 0, None) == 0:
    claim("a mount")
if libc.mount(b"/", b"/usr", None, 4096, None) == 0:
    claim("a bind mount")

import right
