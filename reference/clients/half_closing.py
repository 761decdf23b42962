"""Asks twice, announces that it will send no more, and waits for the reply and the end.

    python reference/clients/half_closing.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import half_closing

run(half_closing, __doc__)
