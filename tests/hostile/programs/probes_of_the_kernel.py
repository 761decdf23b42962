"""Loads programs into the kernel and watches it: bpf(2), perf_event_open(2), userfaultfd(2), keys."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


X86 = os.uname().machine == "x86_64"
for name, number, arguments in (
    ("add_key", 248 if X86 else 217, (b"user", b"k", b"v", 1, -2)),
    ("userfaultfd", 323 if X86 else 282, (1,)),
    ("perf_event_open", 298 if X86 else 241, (b"\1\0\0\0\x80" + bytes(123), 0, -1, -1, 0)),
    ("bpf", 321 if X86 else 280, (0, b"\1\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0" + bytes(100), 72)),
):
    if libc.syscall(number, *arguments) >= 0:
        claim(name)

import right
