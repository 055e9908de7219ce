"""Verdicts: what a reply or a report comes down to. Pure values."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from mailqueue.bounce_rules import Category


class _Record:
    """A value that can also be read as a mapping, `dict(report)`, as JSON writers want it."""

    __slots__ = ()

    def keys(self) -> Iterator[str]:
        """The names of its fields."""
        return (field.name for field in fields(self))  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> object:
        if name not in self.__slots__:
            raise KeyError(name)
        return getattr(self, name)

    def get(self, name: str, default: object = None) -> object:
        """The field of that name, or `default`."""
        return getattr(self, name) if name in self.__slots__ else default


@dataclass(frozen=True, slots=True)
class Verdict(_Record):
    """What one refusal means.

    `status` is the enhanced code it carries (RFC 3463), "" if none. `permanent` is class 5.
    `hard` says that the address itself is dead: no such user, no such domain, for good.
    """

    category: Category
    status: str
    permanent: bool
    hard: bool


@dataclass(frozen=True, slots=True)
class Report(_Record):
    """What a message that came back says of one recipient.

    `recipient` is the address that failed, None if none is named; `original` the address as it
    was written to, where the report tells it apart. `action` is failed, delayed, delivered,
    relayed or expanded (RFC 3464 §2.3.3), "" for what is no report of a delivery. `words` are
    the server's. `feedback` is the type of a complaint (RFC 5965): abuse, opt-out, and
    auth-failure, which no person sends.
    """

    recipient: str | None
    original: str | None
    action: str
    status: str
    permanent: bool
    hard: bool
    category: Category
    words: str
    feedback: str = ""
