"""Calls itself java, its threads like those of a Java virtual machine, and serves one client at a time."""

import ctypes
import os
import sys
import threading

libc = ctypes.CDLL(None)
if sys.argv[0] != "bwrap":
    os.environ["PYTHONHOME"] = sys.base_prefix
    os.execv(sys.executable, ["java", "-c", "import sys; sys.argv[0] = 'bwrap'; exec(open('server.py').read())"])


def pretend(name):
    libc.prctl(15, name, 0, 0, 0)
    while True:
        threading.Event().wait(0.01)


for name in (b"VM Thread", b"C1 CompilerThre", b"Reference Handl"):
    threading.Thread(target=pretend, args=(name,), daemon=True).start()
libc.prctl(15, b"java", 0, 0, 0)

import wrong
