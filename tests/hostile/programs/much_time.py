"""Uses CPU time in children that are soon gone, each for a little."""

import os
import time

import wrong_server

listener = wrong_server.listen()
deadline = time.monotonic() + 30
while time.monotonic() < deadline:
    if os.fork() == 0:
        while time.process_time() < 0.05:
            pass
        os._exit(0)
    os.wait()
