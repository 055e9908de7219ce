"""Probes: e-mails that scripts send to be looked at, and that go nowhere.

A script writes to the test address of its account, and the way is that of all its mail: the
command, the relay, the queue, a worker. But the queue keeps no row and no count of it: so it is no
mail that could be sent, be held, strike or be counted, by construction, and works whatever the
state of the service is. What was found is kept for a day, the newest MOST_KEPT of an account.

The domain is one that nobody can have: what misses its address here ends at acceptance, too.
"""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from mailqueue.headers import Changes
from mailqueue.models import Probe, ProbeAddress

# Below the name of the panel's own account (ICANN reserves .internal).
DOMAIN = "test.facteur.internal"
# Ours, as all numbers here. Long enough to mend a script, and no address for ever.
ADDRESS_LASTS = timedelta(days=7)
KEPT = timedelta(days=1)
MOST_KEPT = 20
MOST_AN_HOUR = 60
HOUR = timedelta(hours=1)
_SIGNS = "abcdefghijkmnpqrstuvwxyz23456789"
_AFTER_SIGN = f"@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message for a test address, as the queue got it: its content packed as bodies are."""

    account_id: int
    queue_id: str
    handover_id: str
    sender: str
    script: str
    folder: str
    origin: str
    size_bytes: int
    changes: Changes
    content: bytes
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Sorted:
    """The recipients of a message: those for the queue, and whether it is for a look as well.

    `missed` are those of the reserved domain where nobody is: made up, expired, somebody else's.
    """

    queued: tuple[str, ...]
    is_probe: bool = False
    missed: frozenset[str] = frozenset()


def is_probe(address: str) -> bool:
    """Whether an address is one of the reserved domain, whoever's and whether it counts or not."""
    return address.endswith(_AFTER_SIGN)


def written(row: ProbeAddress) -> str:
    """The test address in full."""
    return f"{row.name}{_AFTER_SIGN}"


def address_of(account_id: int, now: datetime) -> ProbeAddress | None:
    """The test address of an account, as long as it counts."""
    return ProbeAddress.objects.filter(account_id=account_id, expires_at__gt=now).first()


def make_address(account_id: int, now: datetime) -> ProbeAddress:
    """Give an account a new test address; the one before it counts no more."""
    name = "test-" + "".join(secrets.choice(_SIGNS) for _ in range(12))
    values = {"name": name, "expires_at": now + ADDRESS_LASTS}
    # The hour goes on: whoever makes addresses gets no more probes for it.
    row, _ = ProbeAddress.objects.update_or_create(
        account_id=account_id, defaults=values, create_defaults={**values, "hour_from": now}
    )
    return row


class Taking:
    """Probes among what one transaction accepts; it has locked the accounts.

    Asks the database only when there is an address of the reserved domain.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._addresses: dict[int, ProbeAddress | None] = {}

    def sort(self, account_id: int, recipients: Sequence[str]) -> Sorted:
        """Which recipients the queue gets, and whether one is the account's test address."""
        if not any(map(is_probe, recipients)):
            return Sorted(tuple(recipients))
        if account_id not in self._addresses:
            self._addresses[account_id] = address_of(account_id, self._now)
        row = self._addresses[account_id]
        own = None if row is None else written(row)
        queued = tuple(address for address in recipients if address != own)
        return Sorted(queued, own in recipients, frozenset(filter(is_probe, queued)))

    def keep(self, arrival: Arrival) -> str:
        """Keep a message to be looked at, unless it is here already or too many are.

        Returns its queue id.
        """
        if arrival.handover_id:
            here = Probe.objects.filter(handover_id=arrival.handover_id).first()
            if here is not None:
                return here.queue_id
        if self._has_room(arrival.account_id):
            Probe.objects.create(
                account_id=arrival.account_id,
                queue_id=arrival.queue_id,
                handover_id=arrival.handover_id or None,
                accepted_at=self._now,
                sender=arrival.sender,
                script=arrival.script,
                folder=arrival.folder,
                origin=arrival.origin,
                size_bytes=arrival.size_bytes,
                changes=asdict(arrival.changes),
                content=arrival.content,
                is_compressed=arrival.is_compressed,
            )
            newest = Probe.objects.filter(account_id=arrival.account_id).order_by("-pk")
            too_old = list(newest.values_list("pk", flat=True)[MOST_KEPT : 2 * MOST_KEPT])
            Probe.objects.filter(pk__in=too_old).delete()
        return arrival.queue_id

    def _has_room(self, account_id: int) -> bool:
        """Count one more within the hour; False if that is too many."""
        rows = ProbeAddress.objects.filter(account_id=account_id)
        rows.filter(hour_from__lte=self._now - HOUR).update(
            hour_from=self._now, taken=0, passed_over=0
        )
        if rows.filter(taken__lt=MOST_AN_HOUR).update(taken=F("taken") + 1):
            return True
        rows.update(passed_over=F("passed_over") + 1)
        return False


def waiting(limit: int) -> list[Probe]:
    """Up to `limit` probes that nobody has looked at, the oldest first."""
    return list(Probe.objects.filter(judged_at=None).order_by("pk")[:limit])


def settle(probe: Probe, result: dict[str, Any], now: datetime) -> None:
    """Keep what was found in a probe, and its content no more."""
    Probe.objects.filter(pk=probe.pk, judged_at=None).update(
        judged_at=now, result=result, content=None
    )


def newest(account_id: int, now: datetime) -> list[Probe]:
    """The probes of an account that are still told of, the newest first; without contents."""
    rows = Probe.objects.filter(account_id=account_id, accepted_at__gt=now - KEPT)
    return list(rows.defer("content").order_by("-pk")[:MOST_KEPT])


def find(account_id: int, queue_id: str, now: datetime) -> Probe | None:
    """A probe of an account that is still told of, without its content."""
    rows = Probe.objects.filter(account_id=account_id, accepted_at__gt=now - KEPT)
    return rows.defer("content").filter(queue_id=queue_id).first()


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` probes of which nothing is told any more; return how many."""
    old = Probe.objects.filter(accepted_at__lte=now - KEPT).order_by("accepted_at")
    return Probe.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]
