"""Has a thread that naps all the time, and serves one client at a time."""

import threading
import time


def nap():
    while True:
        time.sleep(0.001)


threading.Thread(target=nap, daemon=True).start()

import wrong
