"""Sends a datagram to the host's loopback interface."""

import os
import socket


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


attempt(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b"hello", ("127.0.0.1", int(os.environ["UDP"])))

import right
