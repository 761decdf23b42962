"""Sends half of a message and no more; Ctrl-C lets it leave.

    python reference/clients/interrupted.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import interrupted

run(interrupted, __doc__)
