"""Connects to a Unix socket that has no file."""

import os
import socket


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


attempt(socket.socket(socket.AF_UNIX).connect, "\0" + os.environ["NONCE"])

import right
