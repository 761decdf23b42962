"""Sends one message a few bytes at a time, then waits for the reply.

    python reference/clients/fragmenting.py 127.0.0.1 8080 'some longer message\n'
"""

from grader.clients.by_hand import run
from grader.clients.personas import fragmenting

run(fragmenting, __doc__, "a message that comes in eight pieces\n", number=8)
