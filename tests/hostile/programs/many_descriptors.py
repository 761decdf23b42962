"""Opens as many descriptors as it gets, and listens with the last."""

import os

import wrong_server

listener = wrong_server.listen()
kept = []
try:
    while len(kept) < 5000:
        kept.append(os.dup(0))
except OSError as error:
    print(error, flush=True)
while True:
    try:
        listener.accept()
    except OSError:
        pass
