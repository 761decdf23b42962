"""Leaves processes that ignore every signal, in sessions of their own."""

import os
import signal


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 65):
            attempt(signal.signal, number, signal.SIG_IGN)
        for fd in range(3):
            os.close(fd)
        if os.fork() == 0:
            os.execlp("sleep", os.environ["NONCE"], "60")
        os._exit(0)

import right
