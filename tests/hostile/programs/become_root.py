"""Takes capabilities and another user, and looks for programs that would give them."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
if status["NoNewPrivs"].strip() == "0":
    claim("the use of programs that change the user")
for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    if int(status[which], 16):
        claim(f"capabilities in {which}")
for uid in (0, 1, 65534):
    try:
        if os.getuid() != uid:
            os.setresuid(uid, uid, uid)
            claim(f"user {uid}")
    except OSError:
        pass

import right
