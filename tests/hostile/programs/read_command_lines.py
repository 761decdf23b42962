"""Lists every process and its command line."""

import os


def show(path):
    try:
        with open(path, "rb") as file:
            print(path, file.read(65536), flush=True)
    except OSError as error:
        print(path, error.strerror, flush=True)


for pid in (os.environ["VICTIM"], *filter(str.isdigit, os.listdir("/proc"))):
    show(f"/proc/{pid}/cmdline")

import right
