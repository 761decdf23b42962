"""A server that makes every other client wait."""

import socket


def listen(reuse=False):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("", 8080))
    listener.listen(128)
    return listener


def serve():
    listener = listen()
    while True:
        client, _ = listener.accept()
        while data := client.recv(4096):
            client.sendall(data.upper())
