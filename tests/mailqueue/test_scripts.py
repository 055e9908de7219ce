"""Scripts are counted, by names that anybody may claim, in so many rows and no more."""

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from mailqueue import scripts
from mailqueue.models import HostingAccount, Message, Script, ScriptCount
from mailqueue.scripts import Seen

pytestmark = pytest.mark.django_db

SOCKET, SMTP = Message.Origin.SOCKET, Message.Origin.SUBMISSION
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def seen(
    account: HostingAccount,
    name: str = "contact.php",
    folder: str = "/home/b/www",
    origin: str = SOCKET,
    **numbers: int,
) -> Seen:
    return Seen(account.pk, name, folder, origin, **numbers)


def see(now: datetime, *these: Seen) -> None:
    with transaction.atomic():
        scripts.see(these, now)


def counts_of(account: HostingAccount) -> dict[tuple[str, date], tuple[int, int, int, int]]:
    rows = ScriptCount.objects.filter(script__account=account).select_related("script")
    return {
        (row.script.name, row.day): (row.handed, row.failed, row.bounced, row.spam) for row in rows
    }


def test_a_script_is_told_by_its_name_its_folder_and_the_way_in() -> None:
    key = scripts.key_of("a.php", "/www", SOCKET)
    assert len(key) == 64
    others = {
        scripts.key_of("b.php", "/www", SOCKET),
        scripts.key_of("a.php", "/www/a", SOCKET),
        scripts.key_of("a.php", "/www", SMTP),
        scripts.key_of("", "/wwwa.php", SOCKET),
        scripts.key_of("/www", "a.php", SOCKET),
        scripts.key_of("\udce9.php", "/www", SOCKET),
    }
    assert len(others - {key}) == 6
    assert scripts.key_of("a.php", "/www", Message.Origin.MAILDROP) == key


def test_what_one_batch_tells_of_a_script_is_added_up_by_day(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    see(
        now,
        seen(account, handed=2, spam=1),
        seen(account, origin=Message.Origin.MAILDROP, handed=3),
        seen(account, "news.php", failed=2, bounced=1),
        seen(other, handed=7),
    )
    see(now + MINUTE, seen(account, handed=1))
    see(now + DAY, seen(account, handed=10))
    today = now.date()
    assert counts_of(account) == {
        ("contact.php", today): (6, 0, 0, 1),
        ("news.php", today): (0, 2, 1, 0),
        ("contact.php", today + DAY): (10, 0, 0, 0),
    }
    assert counts_of(other) == {("contact.php", today): (7, 0, 0, 0)}
    row = Script.objects.get(account=account, name="contact.php")
    assert (row.key, row.origin, row.folder) == (
        scripts.key_of("contact.php", "/home/b/www", SOCKET),
        SOCKET,
        "/home/b/www",
    )
    assert (row.first_seen_at, row.last_seen_at, row.blocked_at) == (now, now + DAY, None)


def test_when_it_was_last_seen_is_kept_to_the_minute(
    account: HostingAccount, now: datetime
) -> None:
    for after, last in ((0, 0), (59, 0), (60, 60), (90, 60), (3600, 3600), (10, 3600)):
        see(now + timedelta(seconds=after), seen(account, handed=1))
        assert Script.objects.get().last_seen_at == now + timedelta(seconds=last)


def test_nothing_seen_is_nothing_written(account: HostingAccount, now: datetime) -> None:
    see(now)
    assert not Script.objects.exists()


def test_hostile_names_are_names_like_others(account: HostingAccount, now: datetime) -> None:
    names = ["'; DROP TABLE x; --", "%s", "{}", "é\u202egnp.php", "<script>", "a" * 255, "", "\\"]
    see(now, *(seen(account, name, folder, handed=1) for name in names for folder in ("", "%(a)s")))
    assert set(Script.objects.values_list("name", flat=True)) == set(names)
    assert Script.objects.count() == 2 * len(names)
    assert {row.handed for row in ScriptCount.objects.all()} == {1}


def test_an_account_has_500_scripts_and_the_rest_is_one_row(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    see(now, *(seen(account, f"{n}.php", handed=1) for n in range(scripts.MOST - 1)))
    see(now, *(seen(account, f"new{n}.php", handed=2) for n in range(40)), seen(other, handed=5))
    known = Script.objects.filter(account=account).exclude(key=scripts.REST)
    assert known.count() == scripts.MOST
    rest = Script.objects.get(account=account, key=scripts.REST)
    assert (rest.name, rest.folder, rest.origin) == ("", "", "")
    assert rest.counts.get().handed == 39 * 2
    assert counts_of(other) == {("contact.php", now.date()): (5, 0, 0, 0)}
    # What is known is counted by itself, also when all places are taken.
    later = now + 2 * MINUTE
    see(later, seen(account, "7.php", failed=4), seen(account, "another.php", handed=3))
    assert Script.objects.get(account=account, name="7.php").counts.get().failed == 4
    rest.refresh_from_db()
    assert (rest.counts.get().handed, rest.last_seen_at) == (39 * 2 + 3, later)
    assert Script.objects.filter(account=account).count() == scripts.MOST + 1


def test_one_batch_may_have_more_scripts_than_an_account(
    account: HostingAccount, now: datetime
) -> None:
    see(now, *(seen(account, f"{n}.php", handed=1) for n in range(1200)))
    assert Script.objects.filter(account=account).count() == scripts.MOST + 1
    assert Script.objects.get(key=scripts.REST).counts.get().handed == 700


def test_blocked_scripts_are_told_by_account(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    see(now, seen(account, handed=1), seen(account, "b.php", handed=1), seen(other, handed=1))
    Script.objects.filter(account=account, name="b.php").update(blocked_at=now)
    key = scripts.key_of("b.php", "/home/b/www", SOCKET)
    assert scripts.blocked([account.pk, other.pk]) == {account.pk: {key: now}, other.pk: {}}
    assert scripts.blocked([]) == {}


def test_scripts_and_counts_go_after_90_days_unless_blocked(
    account: HostingAccount, now: datetime
) -> None:
    see(now, *(seen(account, name, handed=1) for name in ("old", "blocked", "busy")))
    Script.objects.filter(name="blocked").update(blocked_at=now)
    see(now + 80 * DAY, seen(account, "busy", handed=2))
    assert scripts.prune(now + 89 * DAY) == 0
    later = now + 91 * DAY
    while scripts.prune(later, limit=2):
        pass
    assert set(Script.objects.values_list("name", flat=True)) == {"blocked", "busy"}
    assert counts_of(account) == {("busy", (now + 80 * DAY).date()): (2, 0, 0, 0)}
