"""Connects to a server of the host on its loopback interface."""

import os
import socket


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    attempt(socket.socket(family).connect, (address, int(os.environ["TCP"])))

import right
