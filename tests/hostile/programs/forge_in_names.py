"""Fails in a file whose name is markup and escapes, with a message of the same kind."""

NAME = "<img src=x onerror=alert(1)>\x1b[2J[red].py"
SOURCE = "def fails():\n    raise ValueError('</pre><script>alert(1)</script>[/red]')\nfails()\n"
with open(NAME, "w") as file:
    file.write(SOURCE)
exec(compile(SOURCE, "/submission/" + NAME, "exec"))
