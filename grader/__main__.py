"""`python -m grader`: the command `grader`, where only the package is there and no script of it."""

from grader.cli import grader_command

if __name__ == "__main__":
    grader_command(prog_name="grader")
