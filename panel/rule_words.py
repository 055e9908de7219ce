"""The rules of screening in words: what each finds, what it weighs, and how it fared."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from mailqueue.models import AccountRule
from mailqueue.screening import RULES
from mailqueue.screening.catalogue import engines, guide
from mailqueue.weights import Tally
from panel import finding_words, overruling

# Rules whose bars stand in the picture, and the letters of their names there.
SHOWN = 10
SHORT = 28


@dataclass(frozen=True, slots=True)
class Line:
    """A rule in the list: its words, its weight (with words), and how it fared.

    `spam` is how often it fired in spam that nobody overruled, `elsewhere` in other mail.
    """

    rule: str
    title: str
    short: str
    advice: str
    origin: str
    weight: float
    weighs: str
    tally: Tally

    @property
    def is_off(self) -> bool:
        """Whether it adds nothing."""
        return self.weight == 0

    @property
    def is_changed(self) -> bool:
        """Whether its weight is not the catalogue's."""
        return self.weight != 1

    @property
    def spam(self) -> int:
        """How often it fired in spam that nobody overruled."""
        return max(0, self.tally.convicted - self.tally.overruled)

    @property
    def elsewhere(self) -> int:
        """How often it fired in mail that was not judged spam."""
        return max(0, self.tally.fired - self.tally.convicted)


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A rule as an account has it: its own weight, the house's, and both together."""

    rule: str
    title: str
    row: AccountRule
    own: str
    house: str
    both: str
    is_changed: bool
    # No longer in the catalogue.
    is_gone: bool


def lines(house: Mapping[str, float], tallies: Mapping[str, Tally]) -> list[Line]:
    """All rules, as the catalogue orders them."""
    return [line(rule, house.get(rule, 1.0), tallies.get(rule, Tally())) for rule in RULES]


def line(rule: str, weight: float, tally: Tally) -> Line:
    """One rule."""
    title = finding_words.title(rule)
    return Line(
        rule=rule,
        title=title,
        short=Truncator(title).chars(SHORT),
        advice=advice(rule),
        origin=_origin(rule),
        weight=weight,
        weighs=overruling.percent(weight),
        tally=tally,
    )


def sought(found: Iterable[Line], words: str, *, changed: bool, sort: str) -> list[Line]:
    """Those lines that hold these words, in this order; the most often fired first as usual."""
    wanted = words.casefold()
    kept = [
        one
        for one in found
        if wanted in f"{one.rule} {one.title} {one.advice}".casefold()
        and (one.is_changed or not changed)
    ]
    if sort == "title":
        return sorted(kept, key=lambda one: one.title.casefold())
    return sorted(kept, key=lambda one: (-getattr(one.tally, sort or "fired"), one.title))


def pictured(found: Iterable[Line]) -> list[Line]:
    """Those that fired the most often, for the picture."""
    fired = [one for one in found if one.tally.fired]
    return sorted(fired, key=lambda one: (-one.tally.fired, one.title))[:SHOWN]


def own_lines(rows: Sequence[AccountRule], house: Mapping[str, float]) -> list[OwnLine]:
    """The rules of an account; those with a weight of their own first, then by name."""
    found = [
        OwnLine(
            rule=row.rule,
            title=finding_words.title(row.rule),
            row=row,
            own=overruling.percent(row.weight),
            house=overruling.percent(house.get(row.rule, 1.0)),
            both=overruling.percent(row.weight * house.get(row.rule, 1.0)),
            is_changed=row.weight != 1,
            is_gone=row.rule not in RULES,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_changed, one.title.casefold()))


def advice(rule: str) -> str:
    """How to mend what a rule finds, with dots where it names what it found."""
    return _(RULES[rule].advice) % defaultdict(lambda: "…")


def _origin(rule: str) -> str:
    """Where a rule comes from."""
    if rule in _GUIDE:
        return _("habit to avoid, of the guide")
    if rule in _ENGINES:
        return _("from an engine")
    return _("abuse beyond the guide")


_GUIDE = frozenset(rule.id for rule in guide.RULES)
_ENGINES = frozenset(rule.id for rule in engines.RULES)
