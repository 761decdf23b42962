"""Reads what other processes have open, and every descriptor that it might have inherited."""

import os


def show(path):
    try:
        with open(path, "rb") as file:
            print(path, file.read(65536), flush=True)
    except OSError as error:
        print(path, error.strerror, flush=True)


for fd in range(3, 64):
    try:
        print(fd, os.pread(fd, 4096, 0), flush=True)
    except OSError:
        pass
pids = [os.environ["VICTIM"]]
pids += filter(str.isdigit, os.listdir("/proc")) if "IN_TEST" not in os.environ else []
for pid in pids:
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError as error:
        print(pid, error.strerror, flush=True)
        continue
    for name in names:
        if os.path.isfile(f"/proc/{pid}/fd/{name}"):
            show(f"/proc/{pid}/fd/{name}")

import right
