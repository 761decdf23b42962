"""Stops itself (SIGSTOP) when it has its first client."""

import os
import signal

import wrong_server

listener = wrong_server.listen()
first = listener.accept()
os.kill(os.getpid(), signal.SIGSTOP)
