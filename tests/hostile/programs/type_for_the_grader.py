"""Pushes keystrokes into the terminal that the grader was started from (TIOCSTI)."""

import ctypes
import fcntl
import os
import termios

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


for path in ("/dev/tty", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"):
    try:
        with open(path, "w") as terminal:
            fcntl.ioctl(terminal, termios.TIOCSTI, b"#")
        claim("somebody's terminal")
    except OSError:
        pass

import right
