"""Resets every connection."""

import socket

import wrong_server

listener = wrong_server.listen()
while True:
    client, _ = listener.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
