"""Writes files until the disk is full."""

import os

for number in range(100):
    with open(f"filler{number}", "wb") as file:
        file.write(os.urandom(1 << 20))

import right
