"""Changes another's submission."""

import os


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


attempt(lambda: open(os.environ["NEIGHBOUR"] + "/server.py", "a").write("# changed"))
attempt(os.unlink, os.environ["NEIGHBOUR"] + "/README")

import right
