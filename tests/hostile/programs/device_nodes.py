"""Makes device nodes for the machine's memory and disks."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


for kind, number in ((0o020000, os.makedev(1, 1)), (0o060000, os.makedev(8, 0))):
    try:
        os.mknod("node", kind | 0o666, number)
        claim("a device node")
        os.unlink("node")
    except OSError:
        pass

import right
