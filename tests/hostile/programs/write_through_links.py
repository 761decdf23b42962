"""Lets links in its folder lead to the outside, and writes through them or has them written."""

import os


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


for name, target in (("out", "OUTPUT"), ("home", "HOMES"), ("grade-report", "OUTPUT")):
    attempt(os.symlink, os.environ[target], name)
    attempt(lambda: open(f"{name}/report.json", "w").write("linked"))
os.unlink("server.py")
os.symlink(os.environ["HOMES"] + "/diary", "server.py")
attempt(lambda: open("server.py", "a").write("linked"))
attempt(os.link, os.environ["HOMES"] + "/diary", os.environ["OUTPUT"] + "/diary")
attempt(os.link, os.environ["HOMES"] + "/diary", "diary")

import right
