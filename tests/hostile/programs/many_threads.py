"""Starts as many threads as it gets."""

import threading
import time

try:
    for _ in range(500):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
except RuntimeError as error:
    print(threading.active_count(), error, flush=True)

import right
