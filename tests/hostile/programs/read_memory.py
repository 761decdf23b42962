"""Reads the memory of other processes through /proc/PID/mem."""

import os

nonce = os.environ["NONCE"].encode()
pids = {os.environ["VICTIM"], *filter(str.isdigit, os.listdir("/proc"))} - {str(os.getpid())}


def areas(pid):
    try:
        lines = open(f"/proc/{pid}/maps").read().splitlines()
    except OSError as error:
        print(pid, error.strerror, flush=True)
        return
    for line in lines:
        words = line.split()
        if words[1].startswith("rw") and (len(words) < 6 or words[5] in ("[heap]", "[stack]")):
            start, end = (int(word, 16) for word in words[0].split("-"))
            yield start, min(end - start, 8 << 20)


def tell(data):
    at = data.find(b"secret-")
    while at >= 0:
        print(data[at : at + 40], flush=True)
        at = data.find(b"secret-", at + 1)


if "IN_TEST" in os.environ:
    pids = {os.environ["VICTIM"]}
for pid in pids:
    for start, size in areas(pid):
        try:
            with open(f"/proc/{pid}/mem", "rb", 0) as memory:
                memory.seek(start)
                tell(memory.read(size))
        except OSError as error:
            print(pid, error.strerror, flush=True)

import right
