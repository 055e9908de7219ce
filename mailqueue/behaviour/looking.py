"""What behaviour says of messages that are judged, and how they are counted."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import Count

from mailqueue import sketches
from mailqueue.behaviour.habits import (
    MOST_LINKS,
    Sighting,
    State,
    address_mark,
    hour_of,
    read,
    write,
)
from mailqueue.behaviour.strangers import with_strangers
from mailqueue.models import Habit
from mailqueue.screening import Counts, Finding, patterns

# Who is silent so long is forgotten altogether.
KEPT = timedelta(days=120)
# A script that first sent so long ago speaks for itself.
ESTABLISHED = timedelta(days=1)
# Of each account so many are told apart.
MOST_SCRIPTS = 100


@dataclass(frozen=True, slots=True)
class Look:
    """What behaviour says of messages: findings by message; `sightings` are for `observe`."""

    findings: Mapping[int, tuple[Finding, ...]]
    sightings: tuple[Sighting, ...]


def look(sightings: Iterable[Sighting], now: datetime, before: Sequence[Sighting] = ()) -> Look:
    """What these messages, and what was sent in the hour so far, show together. Reads only.

    `before` were looked at and are not yet observed. Two queries, whatever was sent before.
    """
    found = with_strangers(list(sightings))
    habits = _counted([*before, *found], now)
    return Look({one.message_id: _findings(one, habits) for one in found}, tuple(found))


def observe(sightings: Sequence[Sighting], spam: Set[int], now: datetime) -> None:
    """Count messages that were judged; `spam` has the numbers of those judged spam.

    Takes what `look` gave. Part of the caller's transaction: two queries, two more where a script
    is new.
    """
    if not sightings:
        return
    rows = _locked(sightings, now)
    habits = {key: read(row) for key, row in rows.items()}
    _count(sightings, habits, spam, now)
    for key, habit in habits.items():
        write(rows[key], habit)
    Habit.objects.bulk_create(
        [rows[key] for key in sorted(rows)],
        update_conflicts=True,
        unique_fields=["account", "script"],
        update_fields=[
            *("since", "hour", "sent", "new", "spam", "last_hour", "rising"),
            *("marks", "peaks", "known"),
        ],
    )


def forget(account_id: int, address: str) -> None:
    """Forget that an account wrote to an address. Part of the caller's transaction."""
    mark = address_mark(account_id, address)
    row = Habit.objects.select_for_update().filter(account_id=account_id, script="").first()
    if row is None:
        return
    habit = read(row)
    habit.known = [one for one in habit.known if one != mark]
    habit.addresses = [one for one in habit.addresses if one != mark]
    write(row, habit)
    row.save(update_fields=["marks", "known"])


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` habits of who has been silent for four months; return how many."""
    old = Habit.objects.filter(hour__lt=now - KEPT).order_by("hour")
    pks = list(old.values_list("pk", flat=True)[:limit])
    # Somebody may have come back meanwhile.
    return Habit.objects.filter(pk__in=pks, hour__lt=now - KEPT).delete()[0]


Key = tuple[int, str]
Habits = dict[Key, State]


def _keys(sightings: Iterable[Sighting]) -> set[Key]:
    both = ({(one.account_id, one.script), (one.account_id, "")} for one in sightings)
    return set(chain.from_iterable(both))


def _rows(keys: Set[Key]) -> Any:
    accounts, scripts = {account for account, _ in keys}, {script for _, script in keys}
    return Habit.objects.filter(account_id__in=accounts, script__in=scripts)


def _load(sightings: Sequence[Sighting]) -> Habits:
    keys = _keys(sightings)
    if not keys:
        return {}
    return {(row.account_id, row.script): read(row) for row in _rows(keys)}


def _locked(sightings: Sequence[Sighting], now: datetime) -> dict[Key, Habit]:
    """The rows of these, locked in the order of their keys; new ones where there are none."""
    keys = _keys(sightings)

    def found() -> dict[Key, Habit]:
        rows = _rows(keys).order_by("account_id", "script").select_for_update()
        return {(row.account_id, row.script): row for row in rows}

    rows = found()
    missing = keys - rows.keys()
    if missing:
        room = _room({account for account, script in missing if script})
        made = []
        for account, script in sorted(missing):
            if script:
                room[account] = room.get(account, MOST_SCRIPTS) - 1
            if not script or room[account] >= 0:
                made.append(_new(account, script, now))
        # Another worker may just make the same.
        Habit.objects.bulk_create(made, ignore_conflicts=True)
        rows = found()
    return rows


def _new(account_id: int, script: str, now: datetime) -> Habit:
    hour = hour_of(now)
    return Habit(account_id=account_id, script=script, first_at=hour, since=hour, hour=hour)


def _room(accounts: Set[int]) -> dict[int, int]:
    """How many more scripts of these accounts may be told apart."""
    if not accounts:
        return {}
    rows = Habit.objects.filter(account_id__in=accounts).values("account_id")
    counted = rows.annotate(number=Count("pk")).values_list("account_id", "number")
    return {account: MOST_SCRIPTS + 1 - number for account, number in counted}


def _counted(sightings: Sequence[Sighting], now: datetime) -> Habits:
    """The habits as they are with these messages."""
    habits = _load(sightings)
    for key in _keys(sightings) - habits.keys():
        habits[key] = read(_new(*key, now))
    _count(sightings, habits, frozenset(), now)
    return habits


def _count(sightings: Iterable[Sighting], habits: Habits, spam: Set[int], now: datetime) -> None:
    for habit in habits.values():
        habit.begin(hour_of(now))
    for one in sightings:
        is_spam = one.message_id in spam
        if account := habits.get((one.account_id, "")):
            account.add_to_account(one, is_spam=is_spam)
        if one.script and (script := habits.get((one.account_id, one.script))):
            script.add(one, is_spam=is_spam)


def _findings(one: Sighting, habits: Habits) -> tuple[Finding, ...]:
    account = habits[one.account_id, ""]
    found = {}
    script = habits[one.account_id, one.script]
    if not one.script or script.hour - script.first_at < ESTABLISHED:
        found = {finding.rule: finding for finding in patterns(_counts(one, account, account))}
    if one.script:
        found |= {finding.rule: finding for finding in patterns(_counts(one, script, account))}
    return tuple(found.values())


def _counts(one: Sighting, habit: State, account: State) -> Counts:
    """What `patterns` is told of a message: the numbers of its script or account."""
    subject = account.subjects.get(one.traits.subject_mark, [0, 0])
    silent_days = habit.silent_days
    if habit.last_hour is None and account.last_hour is not None:
        # A script that nobody has seen was silent as long as its account is known.
        silent_days = max(silent_days, (habit.since - account.first_at).days)
    return Counts(
        script=one.label,
        sent=habit.sent,
        busiest_hour=habit.busiest,
        silent_days=silent_days,
        known=len(account.known),
        new=habit.new,
        subject=one.traits.subject,
        subject_recipients=subject[0],
        subject_new=subject[1],
        senders=sketches.number(habit.senders),
        copies=account.texts.get(one.traits.text, [0])[0],
        copy_hosts=sketches.number(account.links.get(one.traits.text, []), MOST_LINKS),
    )
