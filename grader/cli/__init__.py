"""The two commands: `grade` grades submissions, `grader` is everything around it."""

from grader.cli.early import interrupts_end_quietly

with interrupts_end_quietly():  # the imports take a good part of a second
    from grader.cli.grade import grade_command
    from grader.cli.tools import grader_command

__all__ = ["grade_command", "grader_command"]
