"""What the letters of the panel share: how they are made, and how strangers' words are put in them.

Owns no sentence. What strangers wrote (subjects, addresses, replies) becomes one line of limited
length, so that it cannot pass for a part of the letter; the HTML template escapes it as well.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

LONGEST_SUBJECT = 200
# Left-to-right and right-to-left marks, embeddings, overrides and isolates: they turn round what
# stands beside them (UAX #9).
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Part:
    """Some steps under a title: one after the other, or each to be ticked off, or neither."""

    title: str
    steps: Sequence[str]
    is_ordered: bool = False
    is_checklist: bool = False


def one_line(text: str, most: int) -> str:
    """What a stranger wrote as one line of up to `most` characters, without control characters."""
    words = " ".join("".join(_plain(sign) for sign in text).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def lines(text: str, most: int, most_lines: int = 40) -> list[str]:
    """What a person wrote as lines, of at most `most` characters in all."""
    written = [one_line(line, most) for line in text[:most].splitlines()]
    while written and not written[-1]:
        written.pop()
    return written[:most_lines]


def made(
    template: str, subject: str, to: str, context: Mapping[str, Any]
) -> tuple[EmailMultiAlternatives, str]:
    """A letter from `letters/<template>.txt` and `.html`, in the current language; and its text."""
    subject = one_line(subject, LONGEST_SUBJECT)
    values = {**context, "subject": subject}
    text = render_to_string(f"letters/{template}.txt", values)
    letter = EmailMultiAlternatives(subject, text, to=[to])
    letter.attach_alternative(render_to_string(f"letters/{template}.html", values), "text/html")
    return letter, text


def _plain(sign: str) -> str:
    if sign in _TURNING:
        return ""
    category = unicodedata.category(sign)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    return " " if category in {"Cc", "Zl", "Zp"} else sign
