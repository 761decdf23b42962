"""Has many children end, and never waits for one."""

import os

for _ in range(300):
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        break

import right
