"""Asks, waits for the reply, and stays.

    python reference/clients/talking.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import talking

run(talking, __doc__)
