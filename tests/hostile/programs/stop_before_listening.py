"""Stops itself (SIGSTOP) before it listens."""

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)

import right
