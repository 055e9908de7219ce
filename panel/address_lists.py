"""Lists of addresses as people paste or upload them: one a line, or a table whose first column is.

Owns how such a list is read, within bounds, and what is told of lines that hold none.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

MOST_LINES = 10_000
MOST_BYTES = 1024 * 1024
LONGEST_SHOWN = 80
_COLUMNS = re.compile(r"[;,\t]")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that holds no address: its number, from 1, and how it begins."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class AddressList:
    """What a list holds. `is_too_long`: it has more lines than are read; then nothing was."""

    addresses: Sequence[str] = ()
    wrong: Sequence[Wrong] = ()
    is_too_long: bool = False


def decoded(content: bytes) -> str:
    """The text of a file, as spreadsheets write it: UTF-8, UTF-16, or the code page of Windows."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read(text: str) -> AddressList:
    """The addresses in a list, each once, in lower case; empty lines and a heading are left out."""
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        return AddressList(is_too_long=True)
    addresses: dict[str, None] = {}
    wrong: list[Wrong] = []
    for number, line in enumerate(lines, 1):
        # Our own export has a mark before what a spreadsheet would take for a formula.
        cell = _COLUMNS.split(line)[0].strip(" \"'<>").lower()
        if not cell or (number == 1 and "@" not in cell):
            continue
        try:
            validate_email(cell)
        except ValidationError:
            wrong.append(Wrong(number, line[:LONGEST_SHOWN]))
        else:
            addresses[cell] = None
    return AddressList(list(addresses), wrong)
