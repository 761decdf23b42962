"""Asks, waits for the reply, and closes.

    python reference/clients/polite.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import polite

run(polite, __doc__)
