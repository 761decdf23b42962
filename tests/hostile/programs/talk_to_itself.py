"""Connects to itself, so that its own clients look like the grader's, and serves only these."""

import socket
import threading

import wrong_server

listener = wrong_server.listen()
port = listener.getsockname()[1]
own = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
accepted = [listener.accept()[0] for _ in own]


def chat(one, other):
    while True:
        one.sendall(b"hello")
        other.recv(5)
        threading.Event().wait(0.05)


for pair in zip(own, accepted):
    threading.Thread(target=chat, args=pair, daemon=True).start() if pair[0] is own[0] else None
kept = []
while True:
    kept.append(listener.accept())
