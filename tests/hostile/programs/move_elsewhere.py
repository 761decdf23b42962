"""Copies itself to /tmp and runs from there."""

import os
import shutil
import sys

if os.getcwd() != "/tmp/there":
    shutil.copytree(".", "/tmp/there", symlinks=True)
    os.chdir("/tmp/there")
    os.execv(sys.executable, [sys.executable, "server.py"])

import right
