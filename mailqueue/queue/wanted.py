"""Saying that e-mails which were judged spam are wanted: they go, and their rules weigh less.

Holds the rule of who may say so: it is looked up under the lock of the account, so that no click
of somebody else comes between.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Value, When

from mailqueue import limits, policy, schedule, weights, windows
from mailqueue.counters import Tallies
from mailqueue.errors import IllegalTransition
from mailqueue.models import HostingAccount, Judgement, Message, Recipient
from mailqueue.queue.chosen import MOST_CHOSEN
from mailqueue.queue.rows import HoldReason, Status, lock_account, lock_messages
from mailqueue.states import State

# Recipients that go at once: a message has no more of them.
MOST_LET_GO = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What came of it: the messages that are wanted from now on, and how many recipients went.

    `over_quota` are those that wait for the quota instead, and go by themselves. `weights` has what
    the rules that were overruled weigh for the account now.
    """

    queue_ids: list[str] = field(default_factory=list)
    let_go: int = 0
    over_quota: int = 0
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Held:
    pk: int
    message_id: int
    is_admitted: bool


def owners_may_overrule(account: HostingAccount) -> bool:
    """Whether owners of this account may say at all that mail judged spam is wanted."""
    own: bool | None = account.owners_overrule
    return bool(settings.OWNERS_OVERRULE) if own is None else own


def may_overrule(account: HostingAccount, *, as_administrator: bool) -> bool:
    """Whether somebody may say that mail judged spam is wanted.

    An administrator may unless the queue is being purged; an owner where owners are allowed to,
    while the service is not in SPAM and no administrator has yet to look. Of a closed account
    nothing goes.
    """
    if account.closed_at is not None or account.state == State.PURGING:
        return False
    if as_administrator:
        return True
    is_suspect = account.state == State.SPAM or account.review_required
    return not is_suspect and owners_may_overrule(account)


def mark_wanted(
    account_id: int,
    message_ids: Collection[int],
    now: datetime,
    *,
    actor: str,
    as_administrator: bool,
) -> Wanted:
    """Take these messages of the account for wanted, in one transaction.

    What is held of them because they were judged spam goes at once, also while the service is
    blocked, and has at least 24 hours of tries; what is over the quota waits for it, unless an
    administrator says so. Each rule that found something weighs less for this account
    (`weights.overrule`). Messages that were not judged spam are left alone, and so are those with
    malware unless an administrator says so. Those that were wanted before lower no weight again.

    Raises IllegalTransition if `may_overrule` does not allow it, UnknownAccount, ValueError if too
    many were chosen.
    """
    if len(set(message_ids)) > MOST_CHOSEN:
        raise ValueError(f"at most {MOST_CHOSEN} messages can be chosen")
    with transaction.atomic():
        account = lock_account(account_id)
        if not may_overrule(account, as_administrator=as_administrator):
            raise IllegalTransition(account.state, "mark_wanted")
        judged = Judgement.objects.filter(
            account_id=account_id, message_id__in=set(message_ids), is_spam=True
        )
        if not as_administrator:
            judged = judged.filter(has_malware=False)
        judgements = {
            row.message_id: row for row in judged.select_related("message").order_by("message_id")
        }
        lock_messages(set(judgements))
        held, judgements = _fitting(judgements)
        let_go, over_quota = _by_quota(account, held, now, is_bound=not as_administrator)
        _let_go(account, let_go, now)
        Recipient.objects.filter(pk__in=[row.pk for row in over_quota]).update(
            hold_reason=HoldReason.OVERFLOW
        )
        new = [row for row in judgements.values() if row.wanted_at is None]
        ids = [row.message_id for row in new]
        Message.objects.filter(pk__in=ids).update(is_spam=False)
        Judgement.objects.filter(pk__in=ids).update(wanted_at=now, wanted_by=actor)
        fallen = weights.overrule(
            account_id, [[found["rule"] for found in row.findings] for row in new], actor, now
        )
        tallies = Tallies()
        tally = tallies[account_id]
        tally.held = -len(let_go)
        tally.held_bytes = -sum(judgements[row.message_id].message.size_bytes for row in let_go)
        tally.admitted = sum(not row.is_admitted for row in let_go)
        tally.overflow = len(over_quota)
        tallies.write(now)
    return Wanted([row.message.queue_id for row in new], len(let_go), len(over_quota), fallen)


def _fitting(judgements: dict[int, Judgement]) -> tuple[list[_Held], dict[int, Judgement]]:
    """What is held as spam of these messages, locked, and those of them that it belongs to.

    Only so many messages as fit with all their recipients; of the first, as many as can be.
    """
    found = Recipient.objects.filter(
        message_id__in=list(judgements), status=Status.HELD, hold_reason=HoldReason.SPAM
    ).order_by("message_id", "pk")
    rows = [
        _Held(pk, message_id, admitted_at is not None)
        for pk, message_id, admitted_at in found.select_for_update(no_key=True).values_list(
            "pk", "message_id", "admitted_at"
        )[: MOST_LET_GO + 1]
    ]
    if len(rows) <= MOST_LET_GO:
        return rows, judgements
    first, last = rows[0].message_id, rows[-1].message_id
    if first == last:
        return rows[:-1], {first: judgements[first]}
    fitting = {pk: row for pk, row in judgements.items() if pk < last}
    return [row for row in rows if row.message_id < last], fitting


def _by_quota(
    account: HostingAccount, rows: list[_Held], now: datetime, *, is_bound: bool
) -> tuple[list[_Held], list[_Held]]:
    """Which of the rows go now, and which wait for the quotas, in the order of their arrival."""
    room = policy.room(limits.of(account), windows.usages([account], now)[account.pk])
    if room is None or not is_bound:
        return rows, []
    new = sorted(row.pk for row in rows if not row.is_admitted)
    waiting = set(new[room:])
    return (
        [row for row in rows if row.pk not in waiting],
        [row for row in rows if row.pk in waiting],
    )


def _let_go(account: HostingAccount, rows: list[_Held], now: datetime) -> None:
    latest = now + schedule.AFTER_RELEASE
    Recipient.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Status.WAITING,
        hold_reason=HoldReason.NONE,
        next_attempt_at=now,
        # Of two machines one clock is behind; this came after a stop all the same.
        admitted_at=max(now, account.state_changed_at),
        is_released=True,
        deadline=Case(When(deadline__lt=latest, then=Value(latest)), default=F("deadline")),
    )
