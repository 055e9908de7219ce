"""The scripts of an account as its pages show them: how much each sends, and what became of it.

Reads counts by day (UTC), of at most `scripts.MOST` scripts; of messages and of what is held only
the newest, so that a page costs the same however many there are.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Sum

from mailqueue import scripts
from mailqueue.models import HostingAccount, Message, Script, ScriptCount, ScriptJob
from mailqueue.walks import Index, along

DAYS = 30
ONE_DAY = timedelta(days=1)
# The newest messages of the account that are looked through for those of a script.
MESSAGES_LOOKED_AT = 5_000
# What is held because of any script, and looked through likewise.
HELD_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What a script sent, in recipients. `failed` has what came back too."""

    handed: int = 0
    failed: int = 0
    bounced: int = 0
    spam: int = 0

    @property
    def fine(self) -> int:
        """Neither failed nor spam; what failed may have been handed over on a day before."""
        return max(0, self.handed - self.failed - self.spam)


@dataclass(frozen=True, slots=True)
class Line:
    """A script, what it sent in the last 30 days, and what is being done with its mail."""

    script: Script
    figures: Figures
    job: ScriptJob | None

    @property
    def is_rest(self) -> bool:
        """Whether this counts all scripts that found no place of their own."""
        return self.script.key == scripts.REST


@dataclass(frozen=True, slots=True)
class Held:
    """How much is held of a script; with `is_more`, so much was found and there may be more."""

    number: int
    is_more: bool


def of_account(account: HostingAccount, now: datetime) -> list[Line]:
    """The scripts of an account: the blocked ones first, then those that send most."""
    counted = (
        ScriptCount.objects.filter(script__account=account, day__gte=_first(now))
        .values_list("script_id")
        .annotate(*(Sum(name) for name in _NUMBERS))
    )
    # PostgreSQL's sums are Decimals.
    figures = {pk: Figures(*map(int, numbers)) for pk, *numbers in counted}
    rows = Script.objects.filter(account=account).select_related("work")
    lines = [Line(row, figures.get(row.pk, Figures()), _job(row)) for row in rows]
    return sorted(
        lines,
        key=lambda line: (
            line.script.blocked_at is None,
            -line.figures.handed,
            -line.figures.failed,
            -line.script.last_seen_at.timestamp(),
            line.script.pk,
        ),
    )


def of_script(account: HostingAccount, key: str, now: datetime) -> Line | None:
    """A script of an account; None if there is none of this key, or it stands for all others."""
    script = find(account.pk, key)
    if script is None:
        return None
    days = by_day([script.pk], now)[script.pk]
    total = Figures(*(sum(getattr(day, name) for day in days.values()) for name in _NUMBERS))
    return Line(script, total, _job(script))


def find(account_id: int, key: str) -> Script | None:
    """The script of this key, likewise."""
    found = Script.objects.filter(account_id=account_id, key=key).exclude(key=scripts.REST)
    return found.select_related("work").first()


def by_day(script_ids: Collection[int], now: datetime) -> dict[int, Mapping[date, Figures]]:
    """What scripts sent on each of the last 30 days, the oldest first."""
    first = _first(now)
    found: dict[int, dict[date, Figures]] = defaultdict(dict)
    for row in ScriptCount.objects.filter(script_id__in=script_ids, day__gte=first):
        found[row.script_id][row.day] = Figures(row.handed, row.failed, row.bounced, row.spam)
    days = [first + ONE_DAY * number for number in range(DAYS)]
    return {pk: {day: found[pk].get(day, Figures()) for day in days} for pk in script_ids}


def messages_of(script: Script, limit: int) -> Sequence[Message]:
    """The newest messages of a script, of the newest of its account."""
    newest = Message.objects.filter(account_id=script.account_id).order_by("-accepted_at")
    looked_at = newest.values("pk")[:MESSAGES_LOOKED_AT]
    own = Message.objects.filter(scripts.sent_by(script), pk__in=looked_at)
    return list(own.order_by("-accepted_at", "-pk")[:limit])


def held_of(script: Script) -> Held:
    """How much is held because this script was blocked."""
    walk = along(Index.SCRIPT, script.account_id)
    looked_at = walk.values_list("message__script", "message__folder", "message__origin")[
        : HELD_LOOKED_AT + 1
    ]
    keys = [scripts.key_of(*source) for source in looked_at]
    is_more = len(keys) > HELD_LOOKED_AT
    return Held(keys[:HELD_LOOKED_AT].count(script.key), is_more)


def script_of(message: Message) -> Script | None:
    """The script that a message tells it came from, if it has a place of its own."""
    key = scripts.key_of(message.script, message.folder, message.origin)
    return find(message.account_id, key)


_NUMBERS = ("handed", "failed", "bounced", "spam")


def _first(now: datetime) -> date:
    return now.astimezone(UTC).date() - ONE_DAY * (DAYS - 1)


def _job(script: Script) -> ScriptJob | None:
    # Without one the relation raises.
    return getattr(script, "work", None)
