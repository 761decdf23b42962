"""Goes into the background, as daemons do (daemon(3))."""

import os

if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for fd in range(3):
    os.dup2(os.open("/dev/null", os.O_RDWR), fd)

import right
