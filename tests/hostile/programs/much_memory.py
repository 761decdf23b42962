"""Takes memory."""

import time

kept = []
for _ in range(300):
    kept.append(b"x" * (1 << 20))
    time.sleep(0.001)

import right
