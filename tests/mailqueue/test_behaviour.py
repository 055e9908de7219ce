"""Behaviour over time: what shows in the counts, and what honest sites do that looks alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from mailqueue import behaviour, queue
from mailqueue.behaviour import Sighting, strangers
from mailqueue.models import Habit, HostingAccount, Message, Recipient
from mailqueue.screening import Context, Finding, judge, read, traits

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXT = (
    "Bonjour {name},\n\nvoici la lettre de notre boutique, avec les nouvelles de la saison et nos "
    "conseils pour bien choisir. Nous vous attendons pour les fêtes.\n{link}\n"
)
See = Callable[..., set[str]]
numbers = count(1)


def letter(
    address: str,
    *,
    subject: str = "Les nouvelles de la boutique",
    author: str = "Boutique <site@boutique.example>",
    link: str = "https://boutique.example/saison",
    text: str = TEXT,
) -> bytes:
    name = address.partition("@")[0].title()
    body = text.format(name=name, link=link)
    head = f"From: {author}\r\nTo: {name} <{address}>\r\nSubject: {subject}\r\n"
    kind = "Content-Type: text/plain; charset=utf-8\r\n"
    return f"{head}{kind}\r\n{body}".encode()


def sighting(
    account: HostingAccount,
    content: bytes,
    *addresses: str,
    at: datetime,
    script: str = "mail.php",
    number: int = 0,
) -> Sighting:
    own = Context(own_domains=frozenset({account.service_name}))
    return Sighting(
        message_id=next(numbers),
        account_id=account.pk,
        script=script,
        label=script or account.service_name,
        recipients=number or len(addresses),
        addresses=addresses,
        accepted_at=at,
        traits=traits(read(content), own),
    )


def judged(
    sightings: Iterable[Sighting], now: datetime, spam: bool = False
) -> list[tuple[Finding, ...]]:
    """The findings on each of these, judged in batches as a worker does, and written down."""
    found, left = [], list(sightings)
    while left:
        batch, left = left[:50], left[50:]
        seen = behaviour.look(batch, now)
        with transaction.atomic():
            numbers = {one.message_id for one in seen.sightings} if spam else set()
            behaviour.observe(seen.sightings, numbers, now)
        found += [seen.findings[one.message_id] for one in batch]
    return found


def rules(found: Sequence[tuple[Finding, ...]]) -> set[str]:
    return {finding.rule for findings in found for finding in findings}


@pytest.fixture
def sent(account: HostingAccount) -> Callable[..., None]:
    """Has the account write to addresses at some time, as rows tell it; delivered unless told."""

    def send(addresses: Iterable[str], at: datetime, status: str = "sent") -> None:
        (accepted,) = queue.accept(
            [
                queue.Submission(
                    account_id=account.pk,
                    sender="site@boutique.example",
                    recipients=tuple(addresses),
                    content=b"Subject: x\r\n\r\nx\r\n",
                    size_bytes=20,
                    subject="x",
                    origin=Message.Origin.SOCKET,
                )
            ],
            at,
        )
        rows = Recipient.objects.filter(message__queue_id=accepted.queue_id)
        values: dict[str, object] = {"next_attempt_at": None, "status": status}
        values |= {"hold_reason": "overflow"} if status == "held" else {"ended_at": at}
        rows.update(**values)

    return send


def customers(number: int, first: int = 0) -> list[str]:
    return [f"client{place}@example.org" for place in range(first, first + number)]


def mailing(
    account: HostingAccount, addresses: Iterable[str], at: datetime, **more: object
) -> list[Sighting]:
    """One letter to each."""
    script = str(more.pop("script", "mail.php"))
    return [
        sighting(account, letter(address, **more), address, at=at, script=script)  # type: ignore[arg-type]
        for address in addresses
    ]


def ordinary(
    account: HostingAccount, now: datetime, days: int = 60, script: str = "index.php"
) -> None:
    """Some weeks of an ordinary site: four letters every other day."""
    for day in range(days, 0, -2):
        at = now - timedelta(days=day)
        judged(mailing(account, customers(4, first=4 * day), at, script=script), at)


def test_a_quiet_site_shows_nothing(account: HostingAccount, now: datetime) -> None:
    assert rules(judged(mailing(account, customers(3), now), now)) == set()
    assert judged([], now) == []


@pytest.mark.parametrize(("number", "is_burst"), [(49, False), (50, True)])
def test_a_script_that_was_silent_for_weeks_bursts(
    account: HostingAccount, now: datetime, number: int, is_burst: bool
) -> None:
    old = now - timedelta(days=20)
    judged(mailing(account, customers(4), old), old)
    found = judged(mailing(account, customers(number), now, text="Kurz."), now)
    assert ("burst" in rules(found)) is is_burst
    if is_burst:
        (burst,) = found[-1]
        assert burst.details == {"what": "mail.php", "count": "50", "days": "20"}
        assert burst.where == "history"


@pytest.mark.parametrize(("days", "is_burst"), [(13, False), (14, True)])
def test_silence_is_told_in_whole_days(
    account: HostingAccount, now: datetime, days: int, is_burst: bool
) -> None:
    old = now - timedelta(days=days)
    judged(mailing(account, customers(1), old), old)
    assert ("burst" in rules(judged(mailing(account, customers(60), now), now))) is is_burst


def test_a_burst_goes_on_after_its_first_hour(account: HostingAccount, now: datetime) -> None:
    old = now - timedelta(days=20)
    judged(mailing(account, customers(4), old), old)
    for hours, is_burst in ((0, True), (1, True), (23, True), (24, False), (48, False)):
        at = now + hours * HOUR
        # Something goes out each few hours, so that there is no pause.
        for hour in range(max(0, hours - 23), hours, 6):
            judged(mailing(account, customers(1), now + hour * HOUR), now + hour * HOUR)
        found = judged(mailing(account, customers(60, first=1000 * hours), at), at)
        assert ("burst" in rules(found)) is is_burst, hours


def test_a_script_that_nobody_has_seen_was_silent_as_long_as_its_site_is_known(
    account: HostingAccount, now: datetime
) -> None:
    ordinary(account, now)
    found = judged(mailing(account, customers(60), now, script="wp-content/x.php"), now)
    assert "burst" in rules(found)
    (burst,) = [finding for finding in found[-1] if finding.rule == "burst"]
    assert burst.details["days"] == "60"


def test_many_new_scripts_are_seen_as_one_site(account: HostingAccount, now: datetime) -> None:
    ordinary(account, now)
    found = [
        sighting(account, letter(address), address, at=now, script=f"x{place}.php")
        for place, address in enumerate(customers(60))
    ]
    # The site is never silent; but it has never written to so many strangers.
    assert "new_recipients" in rules(judged(found, now))


def test_an_established_script_is_not_blamed_for_another(
    account: HostingAccount, now: datetime
) -> None:
    ordinary(account, now)
    judged(mailing(account, customers(300, first=5000), now, script="x.php"), now)
    contact = mailing(
        account, ["moi@boutique.example"], now, script="index.php", subject="Question", text="Hi"
    )
    assert judged(contact, now) == [()]


def test_one_subject_to_hundreds_of_strangers(account: HostingAccount, now: datetime) -> None:
    at = now
    found = judged(mailing(account, customers(199), at), at)
    assert rules(found) == set()
    found = judged(mailing(account, customers(1, first=500), at), at)
    assert rules(found) == {"same_subject"}
    assert found[0][0].details["what"] == "Les nouvelles de la boutique"
    # What has another subject is none of it.
    other = mailing(account, customers(1, first=600), at, subject="Votre mot de passe")
    assert rules(judged(other, at)) == set()


def test_one_message_to_many_counts_as_many(account: HostingAccount, now: datetime) -> None:
    content = letter("liste@boutique.example")
    one = sighting(account, content, *customers(50), at=now, number=1000)
    assert rules(judged([one], now)) == {"same_subject"}


def test_subjects_and_scripts_of_another_account_are_its_own(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    judged(mailing(account, customers(199), now), now)
    assert rules(judged(mailing(other, customers(10, first=300), now), now)) == set()


def test_a_new_hour_begins_at_nothing(account: HostingAccount, now: datetime) -> None:
    judged(mailing(account, customers(199), now), now)
    later = now + HOUR
    assert rules(judged(mailing(account, customers(10, first=300), later), later)) == set()


def test_strangers_are_those_that_no_earlier_mail_went_to(
    account: HostingAccount, sent: Callable[..., None], now: datetime
) -> None:
    sent(["old@example.org"], now - 5 * DAY)
    sent(["Case@Example.org"], now - 5 * DAY)
    sent(["just-now@example.org"], now - timedelta(minutes=59))
    sent(["held@example.org"], now - 5 * DAY, status="held")
    sent(["purged@example.org"], now - 5 * DAY, status="purged")
    asked = ("old", "case", "just-now", "held", "purged", "nobody")
    look = behaviour.look(
        [
            sighting(account, letter(f"{name}@example.org"), f"{name}@example.org", at=now)
            for name in asked
        ],
        now,
    )
    new = {name for name, one in zip(asked, look.sightings, strict=True) if one.new}
    assert new == {"just-now", "held", "purged", "nobody"}


def test_of_a_large_message_some_addresses_stand_for_all(
    account: HostingAccount, sent: Callable[..., None], now: datetime
) -> None:
    sent(customers(10), now - 5 * DAY)
    one = sighting(account, letter("x@y.example"), *customers(40), at=now, number=1000)
    (seen,) = behaviour.look([one], now).sightings
    assert seen.new == 750


def test_mail_to_oneself_again_and_again_is_told_in_few_steps(
    account: HostingAccount, sent: Callable[..., None], now: datetime
) -> None:
    for _ in range(60):
        sent(["moi@boutique.example"], now - timedelta(minutes=5))
    content = letter("moi@boutique.example")
    one = sighting(account, content, "moi@boutique.example", at=now)
    (seen,) = behaviour.look([one], now).sightings
    assert seen.new == 1


def test_strangers_are_looked_for_along_the_index_of_addresses(
    account: HostingAccount, sent: Callable[..., None], now: datetime
) -> None:
    sent(customers(3000), now - DAY)
    sql, values = strangers.asking(
        [(address, account.pk, now - HOUR, 0) for address in customers(200)]
    )
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        else:
            cursor.execute("ANALYZE mailqueue_recipient")
            cursor.execute(f"EXPLAIN {sql}", values)
        plan = str(cursor.fetchall())
    assert "recipient_by_address" in plan
    assert "SCAN mailqueue_recipient" not in plan
    assert "Seq Scan on mailqueue_recipient" not in plan


@pytest.mark.parametrize(("new", "is_found"), [(79, False), (80, True)])
def test_suddenly_many_new_recipients(
    account: HostingAccount, sent: Callable[..., None], now: datetime, new: int, is_found: bool
) -> None:
    old = now - 3 * DAY
    judged(mailing(account, customers(100), old), old)
    # Once more than it ever sent in an hour, on another day.
    sent(customers(100), old)
    known, strangers = customers(101 - new), customers(new, first=1000)
    found = judged(mailing(account, [*known, *strangers], now, subject="x"), now)
    assert ("new_recipients" in rules(found)) is (is_found and new >= 0.8 * 101)


def test_random_sender_names(account: HostingAccount, now: datetime) -> None:
    def batch(number: int, hour: datetime, first: int = 0) -> list[Sighting]:
        return [
            sighting(
                account,
                letter(address, author=f"Anna {place} <a{place}@x.example>", subject=f"{place}"),
                address,
                at=hour,
            )
            for place, address in enumerate(customers(number, first=first))
        ]

    assert rules(judged(batch(19, now), now)) == set()
    later = now + HOUR
    assert rules(judged(batch(20, later), later)) == {"random_senders"}
    latest = now + 2 * HOUR
    # Far more than are kept.
    found = judged(batch(300, latest), latest)
    (last,) = found[-1]
    assert last.rule == "random_senders"
    assert 240 < int(last.details["count"]) < 360


def test_visitors_who_write_to_the_site_are_no_random_senders(
    account: HostingAccount, sent: Callable[..., None], now: datetime
) -> None:
    sent(["moi@boutique.example"], now - DAY)
    forms = [
        sighting(
            account,
            letter("moi@boutique.example", author=f"Anna {place} <a{place}@x.example>"),
            "moi@boutique.example",
            at=now,
            script="contact.php",
        )
        for place in range(60)
    ]
    assert rules(judged(forms, now)) == set()


def test_the_same_text_with_changing_links(account: HostingAccount, now: datetime) -> None:
    def batch(number: int, hour: datetime, domain: str) -> list[Sighting]:
        return [
            sighting(
                account,
                letter(address, link=f"https://{domain.format(place)}/x", subject=f"n {place}"),
                address,
                at=hour,
            )
            for place, address in enumerate(customers(number))
        ]

    assert rules(judged(batch(19, now, "a{}.example"), now)) == set()
    later = now + HOUR
    assert rules(judged(batch(20, later, "a{}.example"), later)) == {"changing_links"}
    # Below one domain, or its own: those of a shop for its customers.
    for place, domain in enumerate(("a{}.shops.example", "a{}.boutique.example"), start=2):
        at = now + place * HOUR
        assert rules(judged(batch(60, at, domain), at)) == set()


def test_a_shops_newsletter_to_its_own_customers_shows_nothing(
    account: HostingAccount, sent: Callable[..., None], now: datetime
) -> None:
    sent(customers(300), now - 40 * DAY)
    ordinary(account, now)
    assert rules(judged(mailing(account, customers(300), now, script="news.php"), now)) <= {"burst"}
    # The next one, a quarter later, is as large as the last.
    later = now + 90 * DAY
    sent(customers(300), now)
    assert rules(judged(mailing(account, customers(300), later, script="news.php"), later)) == set()


def test_orders_have_subjects_of_their_own(account: HostingAccount, now: datetime) -> None:
    orders = [
        sighting(account, letter(address, subject=f"Commande {place}"), address, at=now)
        for place, address in enumerate(customers(250))
    ]
    assert rules(judged(orders, now)) == set()


@pytest.mark.parametrize("case", ["new", "moved", "forum after a silence", "members of a year"])
def test_honest_mailings_make_no_verdict(
    account: HostingAccount, sent: Callable[..., None], now: datetime, case: str
) -> None:
    """A mailing to 400, first of a site, of one that moved, or after months of silence."""
    if case == "moved":
        yesterday = now - DAY
        judged(mailing(account, customers(120, first=1000), yesterday), yesterday)
    if case == "forum after a silence":
        old = now - 120 * DAY
        judged(mailing(account, customers(400), old), old)
    if case == "members of a year":
        ordinary(account, now)
        sent(customers(400), now - 80 * DAY)
    batch = mailing(account, customers(400), now, script="news.php")
    found = judged(batch, now)
    assert rules(found) <= {"burst", "same_subject", "new_recipients"}
    for findings in found:
        verdict = judge(read(letter("a@b.example")), Context(observed=findings))
        assert not verdict.is_spam
        assert verdict.score <= 4


def test_an_injected_mailer_with_random_senders_and_links_is_convicted_by_what_it_does(
    account: HostingAccount, now: datetime
) -> None:
    ordinary(account, now)
    batch = [
        sighting(
            account,
            letter(
                address,
                author=f"Anna {place} <a{place}@x.example>",
                link=f"https://b{place}.example/go",
                subject=f"Hallo {place}",
            ),
            address,
            at=now,
            script="wp-includes/cache.php",
        )
        for place, address in enumerate(customers(60, first=7000))
    ]
    found = judged(batch, now)
    assert rules(found[50:]) == {"burst", "new_recipients", "random_senders", "changing_links"}
    assert judge(read(letter("a@b.example")), Context(observed=found[-1])).is_spam


def test_abuse_is_no_habit(account: HostingAccount, now: datetime) -> None:
    ordinary(account, now)
    judged(mailing(account, customers(500, first=2000), now, script="x.php"), now, spam=True)
    assert Habit.objects.get(script="x.php").spam == 500
    later = now + 20 * DAY
    found = judged(mailing(account, customers(60, first=4000), later, script="x.php"), later)
    assert "burst" in rules(found)
    habit = Habit.objects.get(account=account, script="")
    assert max(number for _, number in habit.peaks) <= 4


def test_what_was_looked_at_and_not_written_down_counts_too(
    account: HostingAccount, now: datetime
) -> None:
    first = behaviour.look(mailing(account, customers(199), now), now)
    (one,) = mailing(account, customers(1, first=300), now)
    assert behaviour.look([one], now).findings[one.message_id] == ()
    look = behaviour.look([one], now, first.sightings)
    assert rules([look.findings[one.message_id]]) == {"same_subject"}
    assert len(look.sightings) == 1
    assert not Habit.objects.exists()


def test_two_workers_count_together(account: HostingAccount, now: datetime) -> None:
    looks = [
        behaviour.look(mailing(account, customers(100, first=first), now), now)
        for first in (0, 100)
    ]
    for look in looks:
        behaviour.observe(look.sightings, frozenset(), now)
    habit = Habit.objects.get(account=account, script="")
    assert (habit.sent, habit.new) == (200, 200)
    assert Habit.objects.count() == 2


def test_a_clock_that_is_behind_changes_nothing(account: HostingAccount, now: datetime) -> None:
    judged(mailing(account, customers(10), now), now)
    judged(mailing(account, customers(10, first=20), now - HOUR), now - HOUR)
    assert Habit.objects.get(account=account, script="").sent == 20


def test_queries_and_rows_stay_few(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    def cost(batch: list[Sighting]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            look = behaviour.look(batch, now)
            behaviour.observe(look.sightings, frozenset(), now)
        return len(seen)

    few = mailing(account, customers(2), now)
    cost(few)
    many = [*mailing(account, customers(80), now), *mailing(other, customers(80), now)]
    cost(many)
    assert cost(many) == cost(few) <= 4


def test_who_invents_scripts_gets_no_more_than_a_hundred_rows(
    account: HostingAccount, now: datetime
) -> None:
    batch = [
        sighting(account, letter(address), address, at=now, script=f"{place}.php")
        for place, address in enumerate(customers(130))
    ]
    judged(batch, now)
    judged([replace(one, script=f"x{one.script}") for one in batch], now)
    assert Habit.objects.filter(account=account).count() == 101
    assert Habit.objects.get(account=account, script="").sent == 260


def test_a_row_stays_small(account: HostingAccount, now: datetime) -> None:
    for hour in range(3):
        at = now + hour * HOUR
        batch = [
            sighting(
                account,
                letter(
                    address,
                    author=f"Anna {place} <a{place}@x.example>",
                    subject=f"subject {place}",
                    link=f"https://b{place}.example/go https://c{place}.example/",
                    text=TEXT + " ".join(["wort" + "abcdefghij"[place % 10]] * 9),
                ),
                address,
                at=at,
            )
            for place, address in enumerate(customers(300, first=1000 * hour))
        ]
        judged(batch, at)
    habit = Habit.objects.get(account=account, script="")
    assert len(str(habit.marks)) + len(str(habit.known)) + len(str(habit.peaks)) < 14_000
    assert len(habit.marks["senders"]) == 64
    assert len(habit.marks["subjects"]) == 16


def test_what_is_frequent_stays_among_what_is_rare(account: HostingAccount, now: datetime) -> None:
    batch = []
    for place, address in enumerate(customers(250)):
        batch += mailing(account, [address], now)
        batch += mailing(account, [f"x{address}"], now, subject=f"Commande {place}")
    assert "same_subject" in rules(judged(batch, now))


def test_nothing_in_a_row_can_be_read(account: HostingAccount, now: datetime) -> None:
    judged(mailing(account, customers(5), now), now)
    later = now + 2 * DAY
    judged(mailing(account, customers(5), later), later)
    habit = Habit.objects.get(account=account, script="")
    kept = f"{habit.marks} {habit.known} {habit.peaks}".lower()
    assert len(habit.known) == 5
    assert not {"client", "example", "boutique"} & set(kept.replace("'", " ").split())


def test_an_erased_address_is_a_stranger_again(account: HostingAccount, now: datetime) -> None:
    judged(mailing(account, customers(5), now), now)
    later = now + 2 * DAY
    judged(mailing(account, customers(2, first=100), later), later)
    for address in ("CLIENT3@example.org", "client100@example.org"):
        behaviour.forget(account.pk, address)
    habit = Habit.objects.get(account=account, script="")
    assert len(habit.known) == 4
    assert len(habit.marks["addresses"]) == 1
    assert habit.sent == 2


def test_who_was_silent_for_a_quarter_knows_nobody(account: HostingAccount, now: datetime) -> None:
    judged(mailing(account, customers(120), now), now)
    later = now + 91 * DAY
    judged(mailing(account, customers(1), later), later)
    assert Habit.objects.get(account=account, script="").known == []


def test_habits_of_the_silent_are_forgotten(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    judged(mailing(account, customers(1), now), now)
    later = now + 60 * DAY
    judged(mailing(other, customers(1), later), later)
    at = now + 121 * DAY
    assert behaviour.prune(at, limit=1) == 1
    assert behaviour.prune(at) == 1
    assert behaviour.prune(at) == 0
    assert set(Habit.objects.values_list("account", flat=True)) == {other.pk}
