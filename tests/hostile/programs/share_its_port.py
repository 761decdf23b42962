"""Listens twice on one port (SO_REUSEPORT), and lets half of its clients wait at a listener that nobody serves."""

import socket

import wrong_server

silent = wrong_server.listen(reuse=True)
listener = wrong_server.listen(reuse=True)
kept = []
listener.settimeout(None)
while True:
    client, _ = listener.accept()
    kept.append(client)
    client.send(client.recv(4096).upper())
