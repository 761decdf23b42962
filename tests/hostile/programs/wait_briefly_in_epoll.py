"""Waits a millisecond at a time in epoll_wait(2), never for good, and serves only the first client."""

import select

poll = select.epoll()
import wrong_server


listener = wrong_server.listen()
first, _ = listener.accept()
first.setblocking(False)
while True:
    try:
        first.send(first.recv(4096).upper())
    except BlockingIOError:
        pass
    poll.poll(0.001)
