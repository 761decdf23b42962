"""Kills the process groups and sessions of others."""

import os
import signal


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


attempt(os.killpg, int(os.environ["VICTIM"]), signal.SIGKILL)
if "IN_TEST" not in os.environ:
    attempt(os.killpg, os.getpgid(os.getppid()), signal.SIGKILL)

import right
