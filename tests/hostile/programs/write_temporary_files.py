"""Leaves files where all processes of a machine may write."""

import os


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock"):
    attempt(lambda: open(f"{folder}/{os.environ['NONCE']}-left", "w").write("x"))

import right
