"""The form of a rule of the catalogue. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it adds, what it is called, and how to mend what it found.

    `title` and `advice` are English, message ids of the panel's catalogue; their placeholders are
    filled from the details of a finding. Rules of one `family` share a limit together.
    """

    id: str
    weight: float
    title: str
    advice: str
    family: str = ""


def gettext_noop(text: str) -> str:
    """The text itself; the name marks it for the panel's catalogue of translations."""
    return text
