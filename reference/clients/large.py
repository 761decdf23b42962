"""Sends a mebibyte at once, reads while it sends, and stays.

    python reference/clients/large.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import talking

run(talking, __doc__, "abcdefg\n" * (1 << 17))
