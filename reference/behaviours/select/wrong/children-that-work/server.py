"""Has a child work for a tenth of a second, again and again, although nobody asks for anything."""

import os
import select
import signal
import socket
import sys
import threading
import time

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
CHUNK = 4096
MOST_PENDING = 1 << 16
MOST_DESCRIPTORS = 1024  # select() cannot watch descriptors beyond (FD_SETSIZE)

pending = {}  # connected socket -> replies that it has not taken yet
finished = set()  # clients who will send no more, but still have replies to take


def accept(listener):
    connection, _ = listener.accept()
    if connection.fileno() >= MOST_DESCRIPTORS:
        connection.close()  # turning one client away is better than failing all of them
        return
    connection.setblocking(False)
    pending[connection] = bytearray()


def drop(connection):
    del pending[connection]
    finished.discard(connection)
    connection.close()


def receive(connection):
    data = connection.recv(CHUNK)
    if data:
        pending[connection] += data.upper()
    elif pending[connection]:
        finished.add(connection)
    else:
        drop(connection)


def send(connection):
    sent = connection.send(pending[connection])
    del pending[connection][:sent]  # send() may take less than it is given
    if connection in finished and not pending[connection]:
        drop(connection)


def attempt(action, connection):
    """Do it for one client; whatever goes wrong with its connection ends that connection and nothing else."""
    if connection not in pending:
        return
    try:
        action(connection)
    except BlockingIOError:
        pass  # it was ready and is not any more: select() will tell again
    except OSError:
        drop(connection)


def look_after_everything():
    while True:
        pid = os.fork()
        if pid == 0:
            began = time.process_time()
            while time.process_time() - began < 0.1:
                sum(range(1000))
            os._exit(0)
        os.waitpid(pid, 0)
        time.sleep(0.25)


def serve(listener):
    threading.Thread(target=look_after_everything, daemon=True).start()
    while True:
        # A client who does not take its replies gets to send no more until it does.
        reading = [c for c in pending if c not in finished and len(pending[c]) < MOST_PENDING]
        writing = [c for c in pending if pending[c]]
        readable, writable, _ = select.select([listener, *reading], writing, [])
        for ready in readable:
            if ready is listener:
                accept(listener)
            else:
                attempt(receive, ready)
        for ready in writable:
            attempt(send, ready)


def main():
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, and what a service manager sends
        signal.signal(number, lambda *_: sys.exit())
    with socket.create_server(("", PORT), backlog=128) as listener:
        serve(listener)


if __name__ == "__main__":
    main()
