"""Reads shared memory of others in /dev/shm."""

import os


def show(path):
    try:
        with open(path, "rb") as file:
            print(path, file.read(65536), flush=True)
    except OSError as error:
        print(path, error.strerror, flush=True)


show("/dev/shm/" + os.environ["NONCE"] + "-shared")
print(os.listdir("/dev/shm"), flush=True)

import right
