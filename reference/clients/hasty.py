"""Asks, and resets the connection at once, without waiting for anything.

    python reference/clients/hasty.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import hasty

run(hasty, __doc__)
