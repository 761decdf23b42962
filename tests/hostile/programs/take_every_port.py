"""Takes every port that clients could have, and serves."""

import os
import socket
import time

import wrong_server

listener = wrong_server.listen()
ready, tell = os.pipe()
for part in range(8):
    if os.fork() == 0:
        kept = []
        try:
            while True:
                kept.append(socket.socket())
                kept[-1].bind(("", 0))
        except OSError:
            os.write(tell, b"x")
            time.sleep(30)
for _ in range(8):
    os.read(ready, 1)
while True:
    client, _ = listener.accept()
    while data := client.recv(4096):
        client.sendall(data.upper())
