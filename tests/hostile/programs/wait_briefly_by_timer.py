"""Is woken by an interval timer every ten milliseconds, and serves only the first client."""

import signal

signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
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
