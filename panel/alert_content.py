"""What the letter of an alert is made of, and how figures of the ledger are read.

Figures are JSON; one that is missing, or of another kind, costs its sentence and not the letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panel.abuse_letter import Evidence
from panel.letters import Part


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as an example: who sent it, to whom, and what the other server said."""

    subject: str
    address: str
    script: str
    reply: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says, from its subject to its steps."""

    subject: str
    sentences: Sequence[str]
    quote: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    # Of a stop for spam: what was found, in place of samples.
    evidence: Evidence | None = None
    # Where administrators see its case.
    case_link: str = ""
    parts: Sequence[Part] = ()
    # What is red on the page: sending has stopped, or mail is about to be lost.
    is_grave: bool = False


def number_of(figures: Mapping[str, Any], name: str) -> int | None:
    """A whole number among figures; None if there is none of that name."""
    value = figures.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text_of(figures: Mapping[str, Any], name: str) -> str:
    """A text among figures; empty if there is none of that name."""
    value = figures.get(name)
    return value if isinstance(value, str) else ""
