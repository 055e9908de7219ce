"""What the dashboard says of the reputation lists that are asked for addresses.

Owns the words; what was found out of them comes from `mailqueue.facts`.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from mailqueue import facts
from mailqueue.facts import Trouble, Zone
from panel import wording


@dataclass(frozen=True, slots=True)
class Line:
    """A list; `state` is "ok", "away" or "unknown". `listed` are addresses of ours."""

    name: str
    state: str
    word: str
    seen: str = ""
    listed: tuple[str, ...] = ()


def all_of(now: datetime) -> list[Line]:
    """A line for each list of the settings."""
    return [_line(zone, now) for zone in facts.reputation(now)]


def own_addresses() -> bool:
    """Whether any addresses of ours are asked for."""
    return bool(facts.own_addresses())


def _line(zone: Zone, now: datetime) -> Line:
    if not zone.is_known:
        if zone.checked_at is None:
            return Line(zone.name, "unknown", pgettext("list", "Not asked yet"))
        asked = {"moment": wording.moment(zone.checked_at, now)}
        seen = _("It was last asked %(moment)s.") % asked
        return Line(zone.name, "unknown", pgettext("list", "Not known"), seen)
    if zone.trouble is not None:
        return Line(zone.name, "away", _("Not believed"), _words(zone.trouble))
    listed = tuple(listing.asked for listing in zone.listed)
    return Line(zone.name, "ok", _("Answers"), listed=listed)


def _words(trouble: Trouble) -> str:
    return {
        Trouble.SILENT: _("It does not answer."),
        Trouble.REFUSES: _("It does not answer this server."),
        Trouble.PUBLIC: _(
            "It does not answer public resolvers: let FACTEUR_RESOLVERS name one of your own."
        ),
        Trouble.OFTEN: _("It was asked too often."),
        Trouble.MISNAMED: _("Its name is written wrong in FACTEUR_DNSBL."),
        Trouble.STRANGE: _("Its answers are none of a reputation list."),
        Trouble.EMPTY: _("It does not list 127.0.0.2, as every list does: is its name right?"),
        Trouble.WORLD: _("It lists 127.0.0.1, as no list does: it may have closed."),
    }[trouble]
