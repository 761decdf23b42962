"""Reads the kernel's log, its addresses, its memory and its keys."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


if libc.klogctl(10, None, 0) >= 0:
    claim("the kernel's log")
for path in ("/dev/kmsg", "/dev/mem", "/proc/kcore", "/proc/kmsg"):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        claim(f"a way to read {path}")
    except OSError:
        pass
for path in ("/proc/kallsyms", "/proc/modules", "/proc/keys", "/proc/timer_list", "/proc/config.gz"):
    try:
        with open(path, "rb") as file:
            if file.read(64).strip(b"0 "):
                claim(f"something to read in {path}")
    except OSError:
        pass

import right
