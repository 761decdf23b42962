"""What is said in words: composed so that it can be told again in another language.

Everything is decided and written down in English. A sentence that is composed here (`say`) remembers its message and
its values, so that whoever shows it can look the message up in the catalogue of another language (`language`).
"""

from grader.words.said import (
    Said,
    Tell,
    ToldError,
    Value,
    also,
    changed,
    clauses,
    either,
    listed,
    mark,
    own_fault,
    said,
    say,
    say_of,
    together,
)

__all__ = [
    "Said",
    "Tell",
    "ToldError",
    "Value",
    "also",
    "changed",
    "clauses",
    "either",
    "listed",
    "mark",
    "own_fault",
    "said",
    "say",
    "say_of",
    "together",
]
