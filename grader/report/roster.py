"""Whose submission is it? Names of downloads and of folders are matched to people by rule, never by likeness."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from grader.report.folders import folder_name
from grader.report.outcomes import Outcome
from grader.report.sheet import Line

# What Canvas calls the files of "Download Submissions": doejane_LATE_12345_67890_server.zip, the second number being
# the attachment's; and Moodle the folders of "Download all submissions": Jane Doe_1234567_assignsubmission_file_.
_CANVAS = re.compile(r"^[^_]+_(?:LATE_)?(\d+)_\d+_")
_MOODLE = re.compile(r"_(\d+)_assignsubmission_[a-z]+_")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a gradebook: the row, the number that downloads bear, and what else a submission may be called.

    `shown` is how messages name the person.
    """

    line: Line
    number: str
    shown: str
    names: frozenset[str]


@dataclass
class Matched:
    """Who has which submission, and one sentence for each that nobody has, or that more than one could have."""

    found: list[tuple[Person, Outcome]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Roster:
    """The people of a gradebook, and by what their submissions are known."""

    def __init__(self, people: Sequence[Person], download: re.Pattern[str]) -> None:
        self._download = download
        self._numbers: dict[str, set[int]] = defaultdict(set)
        self._names: dict[str, set[int]] = defaultdict(set)
        self.people = people
        for index, person in enumerate(people):
            self._numbers[person.number].add(index)
            for name in {person.number, *person.names} - {""}:
                # A folder of that name may be called a little otherwise, as not every file system has all characters.
                self._names[same(name)].add(index)
                self._names[same(folder_name(name))].add(index)

    def match(self, found: Iterable[Outcome], given: Mapping[str, str]) -> Matched:
        """Match submissions to people; `given` says of some submissions whose they are, which counts before all rules.

        A submission is the person's whose number its name bears as the platform's downloads do, or who is called
        exactly as its folder is: by number, login, SIS id, e-mail address or full name, whatever the case. All that
        applies must point to the same person.
        """
        told = {same(name): whose for name, whose in given.items()}
        unused = {same(name): name for name in given}
        matched = Matched()
        owners: dict[int, list[Outcome]] = defaultdict(list)
        for outcome in found:
            names = [same(name) for name in (outcome.folder, outcome.name) if same(name) in told]
            for name in names:
                unused.pop(name, None)
            whose = [told[name] for name in names]
            people = self._given(whose) if whose else self._by_rule(outcome)
            if len(people) == 1:
                owners[people.pop()].append(outcome)
            else:
                matched.problems.append(self._unclear(outcome, people, whose))
        matched.problems += [f"there is no submission {name!r}, which --map names" for name in unused.values()]
        self._shared_out(owners, matched)
        return matched

    def _shared_out(self, owners: Mapping[int, list[Outcome]], matched: Matched) -> None:
        for index, theirs in sorted(owners.items()):
            if len(theirs) == 1:
                matched.found.append((self.people[index], theirs[0]))
            else:
                names = " and ".join(repr(outcome.folder) for outcome in theirs)
                matched.problems.append(f"{self.people[index].shown} has several submissions, {names}: none is taken")

    def _given(self, whose: Sequence[str]) -> set[int]:
        return set().union(*(self._called(name) for name in whose))

    def _by_rule(self, outcome: Outcome) -> set[int]:
        found: set[int] = set()
        for name in (outcome.folder, outcome.name):
            if bears := self._download.search(name):
                found |= self._numbers.get(bears[1], set())
            found |= self._called(name)
        return found

    def _called(self, name: str) -> set[int]:
        return self._names.get(same(name), set())

    def _unclear(self, outcome: Outcome, people: set[int], whose: Sequence[str]) -> str:
        if people:
            could = " or of ".join(self.people[index].shown for index in sorted(people))
            return f"{outcome.folder!r} could be that of {could}; say whose it is with --map"
        if whose:
            return f"{outcome.folder!r} is that of {whose[0]!r} by --map, who is not in the gradebook"
        return f"nobody is known by the name of {outcome.folder!r}; say whose it is with --map"


def canvas_roster(people: Sequence[Person]) -> Roster:
    """People of Canvas, whose numbers are their user ids."""
    return Roster(people, _CANVAS)


def moodle_roster(people: Sequence[Person]) -> Roster:
    """People of Moodle, whose numbers are those of their Identifier in this assignment."""
    return Roster(people, _MOODLE)


def same(name: str) -> str:
    """A name for comparing: composed characters, no case, spaces as one. File systems change these."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
