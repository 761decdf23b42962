"""Asks, waits for the reply, and resets the connection.

    python reference/clients/resetting.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import resetting

run(resetting, __doc__)
