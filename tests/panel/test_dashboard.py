"""« Tableau de bord »: the house at a glance."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from mailqueue import accounts, engines, facts, house_overview, service
from mailqueue.engines import Known
from mailqueue.facts import Question, Said, Trouble
from mailqueue.models import AccountTotals, HostingAccount, QuarterCount, Review
from mailqueue.states import State
from panel.models import User
from tests.panel.conftest import HTMX, Browse

PAGE = "/dashboard/"
PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 11, 12, 7, tzinfo=PARIS)


def count(account: HostingAccount, at: datetime, **figures: int) -> None:
    start = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    QuarterCount.objects.create(account=account, start=start, **figures)


def words(text: str) -> str:
    """The text without markup, in single blanks."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_each_state_has_its_number_and_leads_to_its_list(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    service.block(account.pk, "x", timezone.now())
    text = browse(administrator).get(PAGE).content.decode()
    for state, number in {"ok": 1, "ko": 1, "force": 0, "bounce": 0, "spam": 0}.items():
        link = f'href="/web/hosting/?state={state}"><span class="number">{number}</span>'
        assert link in text


def test_the_figures_of_today_are_those_of_all_accounts(
    account: HostingAccount, other: HostingAccount
) -> None:
    midnight = NOON.replace(hour=0, minute=0)
    count(account, midnight, sent=10, failed=2, returned=1)
    count(other, NOON, sent=5)
    count(other, midnight - timedelta(minutes=1), sent=900, failed=900)
    AccountTotals.objects.filter(account=account).update(accepted=30, sent=10, failed=2, held=7)
    AccountTotals.objects.filter(account=other).update(accepted=9, sent=5)
    seen = house_overview.at(NOON)
    assert (seen.sent_today, seen.in_error_today) == (17, 3)
    assert (seen.queued, seen.held) == (22, 7)
    assert seen.error_percent == pytest.approx(100 * 3 / 17)
    assert seen.midnight == midnight


def test_the_day_is_that_of_the_time_zone_most_accounts_have(
    account: HostingAccount, now: datetime
) -> None:
    for number in range(2):
        accounts.create(f"far{number}.example", now, time_zone="Pacific/Auckland")
    assert house_overview.time_zone() == "Pacific/Auckland"
    assert house_overview.at(now).time_zone == "Pacific/Auckland"


def test_a_house_without_accounts_has_a_page(browse: Browse, administrator: User) -> None:
    response = browse(administrator).get(PAGE)
    assert response.status_code == 200
    assert "Aucun aujourd’hui" in response.content.decode()
    assert house_overview.at(NOON).error_percent is None


def test_the_chart_adds_up_accounts_by_hour(account: HostingAccount, other: HostingAccount) -> None:
    count(account, NOON, sent=3, failed=1)
    count(other, NOON.replace(minute=0), sent=4)
    count(other, NOON - timedelta(hours=1), sent=8)
    count(other, NOON - timedelta(hours=24), sent=500)
    seen = house_overview.at(NOON)
    assert len(seen.history.bars) == 24
    assert [bar.sent for bar in seen.history.bars][-3:] == [0, 8, 8]
    assert [bar.in_error for bar in seen.history.bars][-1] == 1
    assert sum(bar.sent for bar in seen.history.bars) == 16


def test_the_table_behind_the_chart_has_its_hours(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    count(account, timezone.now(), sent=1234, failed=6)
    text = browse(administrator).get(PAGE).content.decode()
    assert 'id="history" data-by-hour' in text
    assert text.count('<th scope="row" data-short=') == 24
    assert '<data value="1234">1\N{NO-BREAK SPACE}234</data>' in text


def test_the_worst_senders_stand_first_each_with_its_share(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    now = timezone.now()
    count(account, now, sent=30, failed=10)
    count(other, now, sent=500, failed=5)
    text = browse(administrator).get(PAGE).content.decode()
    lists = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[1:]
    link = r'href="/web/hosting/([^/]*)/scripts-emails/"'
    assert [re.findall(link, part) for part in lists] == [
        ["boutique.example", "autre.example"],
        ["autre.example", "boutique.example"],
    ]
    assert "40 10 25,0" in words(lists[0])


def test_ten_senders_are_shown_and_none_that_sent_nothing(
    account: HostingAccount, now: datetime
) -> None:
    for number in range(15):
        made = accounts.create(f"site{number:02d}.example", now)
        count(made, now, sent=number)
    seen = house_overview.at(now)
    assert [row.sent for row in seen.by_volume] == [14, 13, 12, 11, 10, 9, 8, 7, 6, 5]


def test_mail_that_comes_back_late_is_never_more_than_all(account: HostingAccount) -> None:
    count(account, NOON, returned=7)
    seen = house_overview.at(NOON)
    assert seen.by_errors[0].error_percent == 100
    count(account, NOON - timedelta(minutes=20), sent=5)
    assert house_overview.at(NOON).by_errors[0].error_percent == 100


def test_who_waits_for_a_review_is_listed_who_asked_first(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    now = timezone.now()
    third = accounts.create("troisieme.example", now)
    HostingAccount.objects.filter(pk=account.pk).update(review_required=True, state="spam")
    for asks, hours in ((other, 1), (third, 5)):
        Review.objects.create(
            account=asks, stated_at=now - timedelta(hours=hours), author="x", statement="x"
        )
    text = browse(administrator).get(PAGE).content.decode()
    part = text.split('id="reviews-title"')[1].split("</section>")[0]
    assert re.findall(r">([a-z.]+\.example)<", part) == [
        "troisieme.example",
        "autre.example",
        "boutique.example",
    ]
    assert "pas encore demandé" in part
    assert "3 hébergements" in part


def test_an_answered_review_waits_no_longer(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    now = timezone.now()
    Review.objects.create(
        account=account, stated_at=now, author="x", statement="x", answered_at=now
    )
    assert "reviews-title" not in browse(administrator).get(PAGE).content.decode()


def test_system_and_closed_accounts_are_left_out(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    for one in (account, other):
        count(one, now, sent=5)
        AccountTotals.objects.filter(account=one).update(accepted=5)
    HostingAccount.objects.filter(pk=account.pk).update(is_system=True)
    HostingAccount.objects.filter(pk=other.pk).update(closed_at=now, review_required=True)
    seen = house_overview.at(now)
    assert (seen.sent_today, seen.queued, seen.number_awaiting) == (0, 0, 0)
    assert seen.states == dict.fromkeys(State, 0)


@pytest.mark.parametrize("role", ["owner", "reader", "outsider"])
def test_others_may_not_see_it(browse: Browse, request: pytest.FixtureRequest, role: str) -> None:
    client = browse(request.getfixturevalue(role))
    assert client.get(PAGE).status_code == 403
    refused = client.get(PAGE, headers=HTMX)
    assert refused["HX-Retarget"] == "#alerts"
    assert "Tableau de bord" not in client.get("/web/hosting/").content.decode()


def test_administrators_find_it_in_the_menu(browse: Browse, administrator: User) -> None:
    text = browse(administrator).get("/web/hosting/").content.decode()
    assert '<a href="/dashboard/">Tableau de bord</a>' in text


def test_more_accounts_make_no_more_queries(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    now = timezone.now()
    count(account, now, sent=5)
    HostingAccount.objects.filter(pk=account.pk).update(review_required=True)
    client = browse(administrator)
    client.get(PAGE)
    few = queries(lambda: client.get(PAGE))
    for number in range(30):
        made = accounts.create(f"site{number:02d}.example", now)
        count(made, now, sent=number, failed=1)
        HostingAccount.objects.filter(pk=made.pk).update(review_required=True)
    assert queries(lambda: client.get(PAGE)) == few


def test_without_scanners_nothing_is_said_of_them(browse: Browse, administrator: User) -> None:
    assert "Analyseur" not in words(browse(administrator).get(PAGE).content.decode())


def test_it_shows_which_scanner_answers_and_which_does_not(
    browse: Browse, administrator: User, settings: Any
) -> None:
    settings.RSPAMD, settings.CLAMD = ("127.0.0.1", 11333), ("127.0.0.1", 3310)
    client = browse(administrator)
    text = words(client.get(PAGE).content.decode())
    assert "Rspamd Pas encore interrogé" in text
    assert "ClamAV Pas encore interrogé" in text
    now = timezone.now()
    hour = timedelta(hours=1)
    fine = Known(True, now - hour, now, answers=1234, mean_ms=17.6)
    gone = Known(False, now - hour, now, words="<b>refused</b>", missed=1)
    engines.keep("web1", {"rspamd": fine, "clamav": gone})
    engines.keep("web2", {"rspamd": Known(True, now - 3 * hour, now - hour)})
    page = client.get(PAGE).content.decode()
    text = words(page)
    assert re.search(r"Rspamd web1 Répond Depuis .*? 1 234 18 ms Rspamd web2 Inconnu", text)
    assert re.search(r"ClamAV web1 Ne répond pas Arrêt (aujourd|hier)", text)
    assert "1 e-mail est parti sans qu’il l’ait examiné." in text
    assert "&lt;b&gt;refused&lt;/b&gt;" in page


def test_it_shows_that_the_rules_of_the_house_failed(browse: Browse, administrator: User) -> None:
    client = browse(administrator)
    assert "Analyseurs" not in words(client.get(PAGE).content.decode())
    now = timezone.now()
    failed = Known(False, now, now, words="screening=broken", missed=1)
    engines.keep("web1", {"rules": failed})
    assert re.search(
        r"Facteur web1 Ne répond pas Arrêt .*? screening=broken 1 e-mail est parti",
        words(client.get(PAGE).content.decode()),
    )


def test_without_lists_nothing_is_said_of_them(browse: Browse, administrator: User) -> None:
    assert "Listes de réputation" not in words(browse(administrator).get(PAGE).content.decode())


def test_it_shows_what_is_wrong_with_a_list_and_which_of_our_addresses_it_has(
    browse: Browse, administrator: User, settings: Any
) -> None:
    settings.DNSBL = ["good.example", "bad.example", "new.example"]
    settings.OUTBOUND_ADDRESSES = [ip_network("9.9.9.9"), ip_network("9.9.9.10")]
    client = browse(administrator)
    now = timezone.now()
    facts.want_own(now)
    assert words(client.get(PAGE).content.decode()).count("Pas encore interrogée") == 3
    for zone in settings.DNSBL[:2]:
        facts.hear(
            [
                Said(Question(zone, facts.LISTED), "127.0.0.2"),
                Said(Question(zone, facts.UNLISTED)),
            ],
            now,
        )
    facts.hear(
        [
            Said(Question("good.example", "9.9.9.9"), "127.0.0.4"),
            Said(Question("bad.example", facts.LISTED), trouble=Trouble.PUBLIC),
        ],
        now,
    )
    text = words(client.get(PAGE).content.decode())
    assert "good.example Répond Sur la liste 9.9.9.9" in text
    assert re.search(r"bad.example Ignorée Elle ne répond pas aux résolveurs publics.*? –", text)
    for trouble in Trouble:
        facts.hear([Said(Question("good.example", facts.LISTED), trouble=trouble)], now)
        assert "good.example Ignorée" in words(client.get(PAGE).content.decode())
    settings.OUTBOUND_ADDRESSES = []
    facts.want_own(now)
    text = words(client.get(PAGE).content.decode())
    assert "9.9.9.9" not in text
    assert "FACTEUR_OUTBOUND_ADDRESSES" in text
