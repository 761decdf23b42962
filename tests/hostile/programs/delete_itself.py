"""Deletes all that was handed in, and serves one client at a time."""

import os
import shutil

import wrong_server

for name in os.listdir("."):
    shutil.rmtree(name) if os.path.isdir(name) and not os.path.islink(name) else os.unlink(name)
wrong_server.serve()
