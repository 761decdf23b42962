"""Connects and says nothing.

    python reference/clients/silent.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import silent

run(silent, __doc__)
