"""Waits a millisecond at a time for a lock, and serves only the first client."""

import threading

lock = threading.Lock()
lock.acquire()
import wrong_server


listener = wrong_server.listen()
first, _ = listener.accept()
first.setblocking(False)
while True:
    try:
        first.send(first.recv(4096).upper())
    except BlockingIOError:
        pass
    lock.acquire(timeout=0.001)
