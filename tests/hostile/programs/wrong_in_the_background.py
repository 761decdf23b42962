"""Goes into the background, and serves one client at a time."""

import os

if os.fork():
    os._exit(0)
os.setsid()

import wrong
