"""Asks several times, each time when the reply before has come, and stays.

    python reference/clients/repeating.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import repeating

run(repeating, __doc__, number=10)
