"""Sleeps for ever before it listens, in short pieces."""

import time

while True:
    time.sleep(0.005)
