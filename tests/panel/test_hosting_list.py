"""The list « Hébergements »."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from mailqueue import accounts, service
from mailqueue.models import AccountTotals, HostingAccount, QuarterCount
from panel.models import Membership, User
from tests.panel.conftest import HTMX, Browse

LIST = "/web/hosting/"


def _names(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', text)


def _make(number: int, now: datetime) -> list[HostingAccount]:
    return [accounts.create(f"site{n:02d}.example", now, uid=3000 + n) for n in range(number)]


def _count(account: HostingAccount, at: datetime, sent: int, failed: int = 0) -> None:
    start = at.replace(minute=0, second=0, microsecond=0)
    QuarterCount.objects.create(account=account, start=start, sent=sent, failed=failed)
    total = sent + failed
    AccountTotals.objects.filter(account=account).update(accepted=total, sent=sent, failed=failed)


def test_an_owner_sees_only_his(browse: Browse, owner: User, other: HostingAccount) -> None:
    assert _names(browse(owner).get(LIST).content.decode()) == ["boutique.example"]


def test_an_administrator_sees_all(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    text = browse(administrator).get(LIST).content.decode()
    assert _names(text) == ["autre.example", "boutique.example"]
    assert "2 hébergements" in text


def test_it_shows_state_and_figures(browse: Browse, owner: User, account: HostingAccount) -> None:
    now = timezone.now()
    _count(account, now, sent=1234, failed=3)
    service.block(account.pk, "claire", now)
    text = browse(owner).get(LIST).content.decode()
    assert '<span class="badge state-ko">Désactivé</span>' in text
    assert "1\N{NO-BREAK SPACE}237 <small>3 en erreur</small>" in text


def test_it_finds_by_a_part_of_the_name(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    client = browse(administrator)
    assert _names(client.get(LIST, {"q": " BOUT "}).content.decode()) == ["boutique.example"]
    nothing = client.get(LIST, {"q": "<script>x"}).content.decode()
    assert "Aucun hébergement ne contient" in nothing
    assert 'value="&lt;script&gt;x"' in nothing
    assert _names(client.get(LIST, {"q": "%"}).content.decode()) == []


def test_a_foreign_account_is_not_found_by_search(
    browse: Browse, owner: User, other: HostingAccount
) -> None:
    assert _names(browse(owner).get(LIST, {"q": "autre"}).content.decode()) == []


def test_it_sorts_by_each_column(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    now = timezone.now()
    _count(account, now, sent=5)
    _count(other, now - timedelta(days=3), sent=50)
    client = browse(administrator)
    service.block(other.pk, "admin", now)
    for sort, first in {
        "service_name": "autre.example",
        "-service_name": "boutique.example",
        "state": "autre.example",
        "-state": "boutique.example",
        "sent": "boutique.example",
        "-sent": "autre.example",
        "sent_today": "autre.example",
        "-sent_today": "boutique.example",
    }.items():
        text = client.get(LIST, {"sort": sort}).content.decode()
        assert _names(text)[0] == first, sort
        order = "descending" if sort.startswith("-") else "ascending"
        assert text.count("aria-sort") == 1
        assert f'aria-sort="{order}"><a id="sort-{sort.removeprefix("-")}"' in text


def test_a_heading_turns_its_column_round(browse: Browse, owner: User) -> None:
    text = browse(owner).get(LIST, {"q": "b"}).content.decode()
    assert 'href="?q=b&amp;sort=-service_name"' in text
    # Figures begin with the largest.
    assert 'href="?q=b&amp;sort=-sent_today"' in text
    text = browse(owner).get(LIST, {"sort": "-sent_today"}).content.decode()
    assert 'id="sort-sent_today" href="?sort=sent_today"' in text


def test_it_comes_in_pages_that_keep_search_and_order(
    browse: Browse, administrator: User, now: datetime
) -> None:
    _make(60, now)
    client = browse(administrator)
    text = client.get(LIST, {"q": "site", "sort": "-service_name"}).content.decode()
    assert len(_names(text)) == 25
    assert "Page 1 sur 3" in text
    assert 'rel="next" href="?q=site&amp;sort=-service_name&amp;page=2"' in text
    text = client.get(LIST, {"page": "3"}).content.decode()
    assert len(_names(text)) == 10
    assert 'rel="next"' not in text


@pytest.mark.parametrize(
    "query",
    [{"page": "0"}, {"page": "x"}, {"page": "9" * 30}, {"sort": "password"}, {"q": "a\0b"}],
)
def test_nonsense_is_as_good_as_nothing(browse: Browse, owner: User, query: dict[str, str]) -> None:
    response = browse(owner).get(LIST, query)
    assert response.status_code == 200
    assert _names(response.content.decode()) == ["boutique.example"]


def test_a_page_beyond_the_last_is_the_last(browse: Browse, owner: User) -> None:
    assert _names(browse(owner).get(LIST, {"page": "99"}).content.decode()) == ["boutique.example"]


def test_htmx_gets_the_list_alone(browse: Browse, owner: User) -> None:
    client = browse(owner)
    text = client.get(LIST, {"q": "bou"}, headers=HTMX).content.decode()
    assert _names(text) == ["boutique.example"]
    assert "<html" not in text
    restored = client.get(LIST, headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in restored.content.decode()


def test_somebody_without_accounts_is_told_so(browse: Browse, db: None) -> None:
    text = browse(User.objects.create_user("new")).get(LIST).content.decode()
    assert "Il n’y a pas encore d’hébergement." in text
    assert "createaccount" not in text


def test_where_all_are_closed_that_is_said(
    browse: Browse, administrator: User, account: HostingAccount, now: datetime
) -> None:
    accounts.close(account.pk, "admin", now)
    text = browse(administrator).get(LIST).content.decode()
    assert "Aucun hébergement n’est ouvert." in text
    assert "Il n’y a pas encore" not in text


def test_more_accounts_make_no_more_queries(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    now: datetime,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    client.get(LIST)
    few = queries(lambda: client.get(LIST))
    for made in _make(20, now):
        Membership.objects.create(user=owner, account=made)
    assert queries(lambda: client.get(LIST)) == few
