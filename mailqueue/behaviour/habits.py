"""What an account or a script is used to, as it is at some moment: one row, in its bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.crypto import salted_hmac

from mailqueue import sketches
from mailqueue.models import Habit
from mailqueue.screening import MARK_BITS, Traits

# A quarter: some newsletters come that often, and each is as large as the one before.
PEAKS_KEPT = timedelta(weeks=14)
# After such a pause something new begins, and is not compared with itself for a day: a burst goes
# on being one after its first hour.
PAUSE = timedelta(hours=12)
BEGINNING = timedelta(days=1)
# As long as the rows of recipients: who was written to before that is a stranger.
KNOWN_FOR = timedelta(days=90)
# What an account may have of each within an hour.
MOST_SUBJECTS = 16
MOST_TEXTS = 16
MOST_LINKS = 32
# `screening.patterns` asks whether there were a hundred.
MOST_KNOWN = 100


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message that is judged: whose it is, and what is counted of it.

    `script` is a key as of `Script`, or ""; `label` is what people call it, or the site.
    `recipients` are all of the message's; `addresses` those at hand.
    """

    message_id: int
    account_id: int
    script: str
    label: str
    recipients: int
    addresses: tuple[str, ...]
    accepted_at: datetime
    traits: Traits
    # How many of its recipients the account never wrote to, as far as `addresses` tell.
    new: int = 0


@dataclass
class State:
    """A row, as it is at some moment."""

    first_at: datetime
    since: datetime
    hour: datetime
    sent: int = 0
    new: int = 0
    spam: int = 0
    last_hour: datetime | None = None
    rising: int = 0
    senders: list[int] = field(default_factory=list)
    # By mark: recipients and strangers of a subject; copies of a text, and where its links lead.
    subjects: dict[int, list[int]] = field(default_factory=dict)
    texts: dict[int, list[int]] = field(default_factory=dict)
    links: dict[int, list[int]] = field(default_factory=dict)
    addresses: list[int] = field(default_factory=list)
    # By number of the week.
    peaks: dict[int, int] = field(default_factory=dict)
    known: list[int] = field(default_factory=list)

    def begin(self, hour: datetime) -> None:
        """Close the running hour, if a later one has begun."""
        if hour <= self.hour:
            return
        self.rising = max(self.rising, self.sent - self.spam)
        if hour - self.hour >= PAUSE or not self._is_beginning(hour):
            self._settle()
        if hour - self.hour >= PAUSE:
            self.since = hour
            first = week_of(hour - PEAKS_KEPT)
            self.peaks = {week: most for week, most in self.peaks.items() if week >= first}
            if hour - self.hour >= KNOWN_FOR:
                self.known = []
        self.hour, self.sent, self.new, self.spam = hour, 0, 0, 0
        self.senders, self.subjects, self.texts, self.links = [], {}, {}, {}

    def _settle(self) -> None:
        """What it has done is what it is used to, from now on; what was abuse is not."""
        if self.rising:
            week = week_of(self.hour)
            self.peaks[week] = max(self.peaks.get(week, 0), self.rising)
        self.known = [*dict.fromkeys((*self.known, *self.addresses))][:MOST_KNOWN]
        self.rising, self.addresses, self.last_hour = 0, [], self.hour

    def _is_beginning(self, hour: datetime) -> bool:
        return hour - self.since < BEGINNING

    def add(self, one: Sighting, *, is_spam: bool = False) -> None:
        """Count a message, as its script does and as its account does."""
        self.sent += one.recipients
        self.new += one.new
        self.spam += one.recipients if is_spam else 0
        # Those who write to their own people may have many names: forms, lists, tickets.
        if one.new:
            self.senders = sketches.kept(self.senders, (one.traits.sender,))

    def add_to_account(self, one: Sighting, *, is_spam: bool = False) -> None:
        """Count it, and what is only counted for accounts."""
        self.add(one, is_spam=is_spam)
        traits, numbers = one.traits, (one.recipients, one.new)
        sketches.count(self.subjects, traits.subject_mark, numbers, MOST_SUBJECTS)
        if traits.text:
            sketches.count(self.texts, traits.text, (1,), MOST_TEXTS)
            seen = self.links.get(traits.text, [])
            self.links[traits.text] = sketches.kept(seen, traits.link_domains, MOST_LINKS)
            self.links = {mark: found for mark, found in self.links.items() if mark in self.texts}
        if not is_spam and len(self.addresses) < MOST_KNOWN:
            marks = [address_mark(one.account_id, address) for address in one.addresses]
            self.addresses = [*dict.fromkeys((*self.addresses, *marks))][:MOST_KNOWN]

    @property
    def busiest(self) -> int:
        """The most it sent within an hour, before what it does now began."""
        return max(self.peaks.values(), default=0)

    @property
    def silent_days(self) -> int:
        """How long it had been silent before it began; 0 if it goes on, or never sent before."""
        if self.last_hour is None or not self._is_beginning(self.hour):
            return 0
        return max(0, (self.since - self.last_hour).days)


def read(row: Habit) -> State:
    """A row as it stands."""
    marks: Mapping[str, Any] = row.marks
    texts = list(marks.get("texts", []))
    return State(
        first_at=row.first_at,
        since=row.since,
        hour=row.hour,
        sent=row.sent,
        new=row.new,
        spam=row.spam,
        last_hour=row.last_hour,
        rising=row.rising,
        senders=list(marks.get("senders", [])),
        subjects={mark: counts for mark, *counts in marks.get("subjects", [])},
        texts={mark: [copies] for mark, copies, _ in texts},
        links={mark: list(links) for mark, _, links in texts},
        addresses=list(marks.get("addresses", [])),
        peaks=dict(row.peaks),
        known=list(row.known),
    )


def write(row: Habit, habit: State) -> None:
    """Put it into its row, which the caller saves."""
    row.since, row.hour, row.last_hour = habit.since, habit.hour, habit.last_hour
    row.rising = habit.rising
    row.sent, row.new, row.spam = habit.sent, habit.new, habit.spam
    row.marks = {
        "senders": habit.senders,
        "subjects": [[mark, *counts] for mark, counts in habit.subjects.items()],
        "texts": [
            [mark, copies, habit.links.get(mark, [])] for mark, (copies,) in habit.texts.items()
        ],
        "addresses": habit.addresses,
    }
    row.peaks = sorted(habit.peaks.items())
    row.known = habit.known


def hour_of(moment: datetime) -> datetime:
    """The hour that a moment is in, by UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def week_of(moment: datetime) -> int:
    """The number of its week."""
    return moment.toordinal() // 7


def address_mark(account_id: int, address: str) -> int:
    """A mark that only this house can make: whoever reads the rows cannot try addresses."""
    digest = salted_hmac("facteur.behaviour", f"{account_id} {address.lower()}").digest()
    return int.from_bytes(digest[: MARK_BITS // 8])
