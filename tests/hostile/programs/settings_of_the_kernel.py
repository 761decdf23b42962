"""Changes settings of the kernel, and asks it to restart the machine."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


for path in (
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/net/ipv4/ip_local_port_range",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sysrq-trigger",
    "/sys/power/state",
):
    try:
        os.close(os.open(path, os.O_WRONLY))
        claim(f"a way to write {path}")
    except OSError:
        pass

import right
