"""Comma-separated values as spreadsheets open them: every cell is text, none is a formula."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

# Programs that open such files take a cell that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """A file for the csv module that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def lines(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a file, one by one: nothing is kept in memory."""
    writer: Any = csv.writer(_Echo())
    # Without this mark spreadsheets take the file for Latin-1.
    yield "\N{ZERO WIDTH NO-BREAK SPACE}"
    yield writer.writerow(heading)
    for row in rows:
        yield writer.writerow([as_text(value) for value in row])


def as_text(value: str) -> str:
    """A cell that no program takes for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value
