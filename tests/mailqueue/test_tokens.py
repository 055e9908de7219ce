"""Tokens: shown once, kept as a digest, revoked for good."""

from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, tokens
from mailqueue.models import AccountToken, HostingAccount

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., tuple[AccountToken, str]]


@pytest.fixture
def make(account: HostingAccount, now: datetime) -> Make:
    def made(name: str = "blog", uid: int | None = 33) -> tuple[AccountToken, str]:
        return tokens.make(account.pk, name, "admin", now, uid=uid)

    return made


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("192.0.2.7", "192.0.2.7/32"),
        ("10.0.0.0/8, 10.0.0.0/255.0.0.0\n2001:DB8::/48", "10.0.0.0/8 2001:db8::/48"),
        ("::ffff:10.0.0.0/104 ::ffff:192.0.2.1", "10.0.0.0/8 192.0.2.1/32"),
        ("0.0.0.0/0 ::/0", "0.0.0.0/0 ::/0"),
    ],
)
def test_networks_are_kept_in_one_notation(text: str, kept: str) -> None:
    assert tokens.networks_of(text) == kept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("localhost", "localhost"),
        ("10.0.0.0/33", "10.0.0.0/33"),
        ("10.0.0.0/8 10.", "10.\N{NO-BREAK SPACE}"),
        ("10.0.0.5/24", "10.0.0.0/24"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        (" ".join(f"10.0.{number}.0/24" for number in range(21)), "20"),
    ],
)
def test_what_is_no_network_is_named(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        tokens.networks_of(text)
    assert words in caught.value.message_dict["networks"][0]


def test_a_token_of_a_unix_user_has_no_networks(account: HostingAccount, now: datetime) -> None:
    with pytest.raises(ValidationError) as caught:
        tokens.make(account.pk, "blog", "admin", now, uid=33, networks="10.0.0.0/8")
    assert set(caught.value.message_dict) == {"networks"}
    assert not AccountToken.objects.exists()


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("10.1.2.3", True),
        ("2001:db8::1", True),
        ("11.0.0.1", False),
        ("2001:db9::1", False),
        (None, False),
    ],
)
def test_it_counts_from_its_networks_alone(
    account: HostingAccount, now: datetime, source: str | None, counts: bool
) -> None:
    _, plain = tokens.make(account.pk, "x", "admin", now, networks="10.0.0.0/8 2001:db8::/48")
    address = None if source is None else ip_address(source)
    assert known(plain).counts_from(address) is counts


def known(plain: str) -> tokens.Known:
    (found,) = tokens.by_digest([tokens.digest(plain.encode())]).values()
    return found


def test_the_token_is_random_and_only_its_digest_is_kept(make: Make) -> None:
    row, plain = make()
    assert plain.startswith("fct_")
    assert len(plain) == 36
    assert plain != make()[1]
    row.refresh_from_db()
    assert plain.removeprefix("fct_") not in str(vars(row))
    assert (row.name, row.uid, row.created_by, row.revoked_at) == ("blog", 33, "admin", None)


def test_it_is_found_by_its_digest_alone(make: Make, account: HostingAccount) -> None:
    row, plain = make()
    assert known(plain) == tokens.Known(row.pk, account.pk, 33, False, False, None)
    assert tokens.by_digest([plain, tokens.digest(b"fct_other")]) == {}


def test_a_revoked_one_is_known_as_such_and_revoked_once(make: Make, now: datetime) -> None:
    row, plain = make()
    assert tokens.revoke(row, now) is True
    assert tokens.revoke(row, now + timedelta(hours=1)) is False
    row.refresh_from_db()
    assert row.revoked_at == now
    assert known(plain).is_revoked


def test_the_token_of_a_closed_account_says_so(
    make: Make, account: HostingAccount, now: datetime
) -> None:
    _, plain = make()
    accounts.close(account.pk, "admin", now)
    assert known(plain).is_account_closed
    accounts.reopen(account.pk)
    assert not known(plain).is_account_closed


def test_its_use_is_written_down_once_a_minute(make: Make, now: datetime) -> None:
    row, plain = make()
    for seconds, expected in ((0, 0), (59, 0), (60, 60), (61, 60)):
        tokens.note_use([known(plain)], now + timedelta(seconds=seconds))
        row.refresh_from_db()
        assert row.last_used_at == now + timedelta(seconds=expected)


def test_a_use_within_the_minute_costs_no_query(make: Make, now: datetime) -> None:
    _, plain = make()
    tokens.note_use([known(plain)], now)
    found = known(plain)
    with CaptureQueriesContext(connection) as captured:
        tokens.note_use([found], now + timedelta(seconds=59))
    assert len(captured) == 0


@pytest.mark.parametrize(
    ("name", "uid", "field"),
    [
        ("", 33, "name"),
        ("  ", 33, "name"),
        ("x" * 101, 33, "name"),
        ("a\nb", 33, "name"),
        ("a\0b", 33, "name"),
        ("blog", -1, "uid"),
        ("blog", 2**32 - 1, "uid"),
    ],
)
def test_nonsense_makes_no_token(make: Make, name: str, uid: int, field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        make(name, uid)
    assert raised.value.message_dict.keys() == {field}
    assert not AccountToken.objects.exists()


def test_there_is_an_end_to_how_many_count(
    make: Make, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_LIVE", 2)
    row, _ = make()
    make()
    with pytest.raises(ValidationError):
        make()
    tokens.revoke(row, now)
    make()


def test_those_that_count_are_listed_first(
    make: Make, account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    rows = [make(name)[0] for name in "abcd"]
    tokens.make(other.pk, "foreign", "admin", now)
    tokens.revoke(rows[3], now)
    tokens.revoke(rows[0], now + timedelta(hours=1))
    assert [row.name for row in tokens.of_account(account.pk)] == ["c", "b", "a", "d"]
