"""Answers rightly, a byte every half second."""

import time

import wrong_server

listener = wrong_server.listen()
while True:
    client, _ = listener.accept()
    data = client.recv(4096)
    for byte in data.upper():
        client.send(bytes([byte]))
        time.sleep(0.5)
