"""Has an alarm set for the next day, and serves only the first client."""

import signal

signal.signal(signal.SIGALRM, lambda *_: None)
signal.alarm(86400)
import wrong_server


listener = wrong_server.listen()
first, _ = listener.accept()
first.setblocking(False)
while True:
    try:
        first.send(first.recv(4096).upper())
    except BlockingIOError:
        pass
    signal.pause()
