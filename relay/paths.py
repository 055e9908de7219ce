"""What stands after MAIL and RCPT: a path and its parameters (RFC 5321 §4.1.2). Pure.

Never raises on foreign text. What an address is, is for `addresses`.
"""

import re
from dataclasses import dataclass

# A quoted local part may have brackets and blanks; a path without brackets is in use.
_PATH = re.compile(r'\s*(?:<((?:"(?:[^"\\]|\\.)*+"|[^<>"\s])*+)>|([^<>\s]++))(?=\s|\Z)')
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=]+))?")


@dataclass(frozen=True, slots=True)
class Path:
    """An address without brackets, and its parameters by name; those without a value have ""."""

    address: str
    parameters: dict[str, str]


def path_of(argument: str | None, keyword: str) -> Path | None:
    """The path after `keyword` and a colon; None if there is none, or what follows is malformed."""
    text = argument or ""
    if text[: len(keyword) + 1].upper() != f"{keyword}:":
        return None
    found = _PATH.match(text, len(keyword) + 1)
    if found is None:
        return None
    parameters: dict[str, str] = {}
    for word in text[found.end() :].split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None:
            return None
        parameters[parameter[1].upper()] = parameter[2] or ""
    return Path(found[1] if found[1] is not None else found[2], parameters)
