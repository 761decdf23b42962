"""Kills a process of the host, process 1, and its parents: these last, for it may end with them."""

import os
import signal


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


for pid in (int(os.environ["VICTIM"]), *((1, os.getppid()) if "IN_TEST" not in os.environ else ())):
    attempt(os.kill, pid, signal.SIGKILL)

import right
