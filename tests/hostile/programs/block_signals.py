"""Blocks every signal."""

import signal

signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

import right
