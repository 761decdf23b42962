"""Changes what was handed in: its own source, where it really lies, and by its open descriptors."""

import os


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


attempt(lambda: open(os.environ["OWN"] + "/server.py", "a").write("# changed"))
attempt(lambda: open(os.environ["OWN"] + "/extra.py", "w").write("x"))
open("server.py", "a").write("# changed")
open("extra.py", "w").write("x")

import right
