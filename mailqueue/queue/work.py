"""What became of what was claimed: outcomes, returns, and leases that ran out.

What goes as expected, a recipient that is still `sending` under its claim, is written many at once;
what meanwhile was taken back, or whose account was stopped, is looked at one by one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from random import random

from django.db import transaction

from mailqueue import schedule, scripts, statements
from mailqueue.bounces import OF_RECIPIENT, classify_reply
from mailqueue.counters import Tallies
from mailqueue.models import HostingAccount, Recipient, Screening
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue.claims import Claimed
from mailqueue.queue.lessons import learn
from mailqueue.queue.rows import (
    TABLE,
    Status,
    count,
    delivers,
    drop_bodies,
    end,
    fate_of,
    lock_accounts,
    lock_messages,
    lock_rows,
    put_back,
    save,
    settle,
    storable,
)
from mailqueue.queue.values import update_matching
from mailqueue.scripts import Blocks, Seen

LONGEST_REPLY = 4096

_IS_OURS = f"{TABLE}.id = given.number AND {TABLE}.claim = given.ours AND status = 'sending'"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record` made of an outcome: the status of the row now, and its next attempt.

    `was_ours` is False if another worker had claimed it, or it had ended: nothing was changed.
    """

    claimed: Claimed
    outcome: Outcome
    status: Status
    next_attempt_at: datetime | None
    was_ours: bool


def record(outcomes: Sequence[tuple[Claimed, Outcome]], now: datetime) -> list[Recorded]:
    """Write down what became of claimed recipients, in one transaction.

    A worker whose lease ran out may still report, as long as nobody else has claimed. What is
    deferred waits for its next attempt; it becomes held or purged if its account was blocked or
    purged meanwhile, and failed when its time is over.
    """
    with transaction.atomic():
        accounts = lock_accounts(
            claimed.account_id for claimed, outcome in outcomes if outcome.result is Result.DEFERRED
        )
        lock_messages({claimed.message_id for claimed, _ in outcomes})
        tallies, bounced = Tallies(), set[int]()
        known = {
            item.claimed.recipient_id: item
            for item in (
                *_end(outcomes, now, tallies, bounced),
                *_defer(outcomes, accounts, now),
            )
        }
        rest = [item for item in outcomes if item[0].recipient_id not in known]
        known |= {
            item.claimed.recipient_id: item
            for item in _one_by_one(rest, accounts, now, tallies, bounced)
        }
        learn([(it.claimed, it.outcome) for it in known.values() if it.was_ours], now)
        scripts.see(_seen(known.values(), bounced), now)
        tallies.write(now)
    return [known[claimed.recipient_id] for claimed, _ in outcomes]


def give_back(claimed: Sequence[Claimed], now: datetime) -> int:
    """Return recipients that were claimed and not tried; say how many were still ours.

    They wait, due at once; or are held or purged if their account was meanwhile.
    """
    return put_off([(item, now) for item in claimed], now)


def put_off(claimed: Sequence[tuple[Claimed, datetime]], now: datetime) -> int:
    """Likewise, each due at the moment beside it: its destination takes no more before."""
    if not claimed:
        return 0
    with transaction.atomic():
        accounts = lock_accounts(item.account_id for item, _ in claimed)
        rows = [
            (item.recipient_id, item.claim, statements.moment(due))
            for item, due in claimed
            if _goes_on(item, accounts)
        ]
        done = _wait("", {}, rows)
    moments = {item.recipient_id: due for item, due in claimed if item.recipient_id not in done}
    return len(done) + put_back(moments, {item.claim for item, _ in claimed}, now)


def recover_leases(now: datetime, limit: int = 1000) -> int:
    """Return recipients whose worker did not report within its lease; say how many."""
    late = list(
        Recipient.objects.filter(status=Status.SENDING, lease_until__lte=now)
        .order_by("lease_until")
        .values_list("pk", "claim")[:limit]
    )
    moments = dict.fromkeys((pk for pk, _ in late), now)
    return put_back(moments, {claim for _, claim in late}, now, late_by=now)


def _end(
    outcomes: Sequence[tuple[Claimed, Outcome]],
    now: datetime,
    tallies: Tallies,
    bounced: set[int],
) -> list[Recorded]:
    """End what was delivered or refused, as far as it is still ours to end."""
    steps = {
        claimed.recipient_id: Recorded(claimed, outcome, _END[outcome.result], None, was_ours=True)
        for claimed, outcome in outcomes
        if outcome.result in _END
    }
    categories = {
        pk: classify_reply(storable(step.outcome.reply, LONGEST_REPLY)).category
        if step.status is Status.FAILED
        else ""
        for pk, step in steps.items()
    }
    done = update_matching(
        TABLE,
        "status = given.ending, hold_reason = '', lease_until = NULL, next_attempt_at = NULL, "
        f"tries = tries + 1, ended_at = given.moment, category = given.cause, {_REPLY}",
        _OURS | {"ending": "text", "moment": "timestamptz", "cause": "text"} | _WORDS,
        [
            (
                *(pk, step.claimed.claim, step.status.value, statements.moment(now)),
                *(str(categories[pk]), *_words(step.outcome)),
            )
            for pk, step in steps.items()
        ],
        _IS_OURS,
    )
    for pk in done:
        step, tally = steps[pk], tallies[steps[pk].claimed.account_id]
        setattr(tally, step.status, getattr(tally, step.status) + 1)
        if step.status is Status.FAILED and categories[pk] in OF_RECIPIENT:
            tally.bounced += 1
            bounced.add(pk)
    drop_bodies({steps[pk].claimed.message_id for pk in done})
    return [steps[pk] for pk in done]


def _seen(recorded: Iterable[Recorded], bounced: Set[int]) -> Iterator[Seen]:
    """What scripts are told by what ended: failures, and all where nobody looked at it before."""
    for item in recorded:
        claimed = item.claimed
        has_ended = item.was_ours and item.status in {Status.SENT, Status.FAILED}
        is_failed = has_ended and item.status is Status.FAILED
        # What screening looked at, it has counted.
        is_new = has_ended and claimed.screening is Screening.OFF
        if is_failed or is_new:
            yield Seen(
                *(claimed.account_id, claimed.script, claimed.folder, claimed.origin),
                handed=int(is_new),
                failed=int(is_failed),
                bounced=int(claimed.recipient_id in bounced),
            )


_END = {Result.DELIVERED: Status.SENT, Result.FAILED: Status.FAILED}
_OURS = {"number": "bigint", "ours": "text"}
_WORDS = {"words": "text", "code": "text", "host": "text"}
_REPLY = "reply = given.words, reply_status = given.code, reply_host = given.host"


def _words(outcome: Outcome) -> tuple[str, str, str]:
    return (
        storable(outcome.reply, LONGEST_REPLY),
        storable(outcome.status, 16),
        storable(outcome.host, 255),
    )


def _defer(
    outcomes: Sequence[tuple[Claimed, Outcome]], accounts: dict[int, HostingAccount], now: datetime
) -> list[Recorded]:
    """Let what was deferred wait, as far as it is ours, has time left, and its account delivers."""
    steps: dict[int, tuple[Recorded, datetime]] = {}
    for claimed, outcome in outcomes:
        if outcome.result is Result.DEFERRED and _goes_on(claimed, accounts):
            due = _next_attempt(claimed.tries + 1, claimed.deadline, now)
            if due is not None:
                step = Recorded(claimed, outcome, Status.WAITING, due, was_ours=True)
                steps[claimed.recipient_id] = step, due
    done = _wait(
        f", tries = tries + 1, {_REPLY}",
        _WORDS,
        [
            (pk, step.claimed.claim, statements.moment(due), *_words(step.outcome))
            for pk, (step, due) in steps.items()
        ],
    )
    return [steps[pk][0] for pk in done]


def _wait(further: str, columns: dict[str, str], rows: Sequence[tuple[object, ...]]) -> set[int]:
    """Let claimed rows, given by number, claim and next attempt, wait; the numbers of those."""
    changes = f"status = 'waiting', lease_until = NULL, next_attempt_at = given.due{further}"
    columns = _OURS | {"due": "timestamptz"} | columns
    return update_matching(TABLE, changes, columns, rows, _IS_OURS)


def _goes_on(claimed: Claimed, accounts: Mapping[int, HostingAccount]) -> bool:
    """Whether a recipient that was not delivered waits on, as far as its account tells.

    Where scripts are blocked it does not tell all.
    """
    account = accounts[claimed.account_id]
    is_purged = claimed.recipient_id <= account.purged_through
    return delivers(account) and not is_purged and not account.blocks_scripts


def _next_attempt(tries: int, deadline: datetime, now: datetime) -> datetime | None:
    return schedule.next_attempt(now, tries, deadline, random())  # noqa: S311


def _one_by_one(
    outcomes: Sequence[tuple[Claimed, Outcome]],
    accounts: dict[int, HostingAccount],
    now: datetime,
    tallies: Tallies,
    bounced: set[int],
) -> list[Recorded]:
    """Record what was not as expected: held or purged meanwhile, or no longer ours."""
    if not outcomes:
        return []
    blocks = scripts.blocks_of(accounts.values())
    rows = lock_rows(claimed.recipient_id for claimed, _ in outcomes)
    recorded: list[Recorded] = []
    changed: list[Recipient] = []
    for claimed, outcome in outcomes:
        row = rows.get(claimed.recipient_id)
        if row is None or row.claim != claimed.claim or row.status not in Recipient.LIVE:
            status = Status.PURGED if row is None else Status(row.status)
            recorded.append(Recorded(claimed, outcome, status, None, was_ours=False))
            continue
        # Put back since, when its worker was late, it may even be held.
        before, reason = Status(row.status), row.hold_reason
        _apply(row, outcome, accounts, blocks, now)
        count(tallies, row, before, reason)
        if outcome.result is Result.FAILED and row.category in OF_RECIPIENT:
            tallies[row.account_id].bounced += 1
            bounced.add(row.pk)
        changed.append(row)
        recorded.append(
            Recorded(claimed, outcome, Status(row.status), row.next_attempt_at, was_ours=True)
        )
    save(changed)
    drop_bodies({row.message_id for row in changed if row.ended_at is not None})
    return recorded


def _apply(
    row: Recipient,
    outcome: Outcome,
    accounts: dict[int, HostingAccount],
    blocks: Blocks,
    now: datetime,
) -> None:
    row.tries += 1
    row.reply, row.reply_status, row.reply_host = _words(outcome)
    if outcome.result in _END:
        end(row, _END[outcome.result], now)
        return
    account = accounts[row.account_id]
    moment = _next_attempt(row.tries, row.deadline, now)
    if moment is None and fate_of(row, account) is not Status.PURGED:
        end(row, Status.FAILED, now)
    else:
        settle(row, account, blocks, moment or now, now)
