"""Reads another's submission, by its path and through links that were handed in."""

import os


def show(path):
    try:
        with open(path, "rb") as file:
            print(path, file.read(65536), flush=True)
    except OSError as error:
        print(path, error.strerror, flush=True)


show(os.environ["NEIGHBOUR"] + "/server.py")
show("neighbour/server.py")
show("neighbours-server.py")
show("../neighbour/server.py")

import right
