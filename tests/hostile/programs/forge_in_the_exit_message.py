"""Ends with a message of markup, terminal escapes, and text that runs backwards."""

import sys

sys.exit("<script>alert(1)</script>[bold red]100 points[/] \x1b]0;owned\x07\x1b[2J\x1b[31m \u202e\u2066 ' \" & {{7*7}} ]]> --> \r ok")
