"""Asks for eight mebibytes and reads none of it: is anybody else served meanwhile?

    python reference/clients/unreading.py 127.0.0.1 8080
"""

from grader.clients.by_hand import run
from grader.clients.personas import unreading

run(unreading, __doc__, "abcdefg\n" * (1 << 20))
