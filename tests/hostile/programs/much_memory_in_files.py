"""Takes memory that no process maps: files without a name (memfd_create(2))."""

import os

kept = []
for number in range(100):
    kept.append(os.memfd_create("hidden"))
    for _ in range(3):
        os.write(kept[-1], bytes(1 << 20))

import right
