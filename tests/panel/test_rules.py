"""« Règles de filtrage »: the list, one rule, and what rules weigh for an account."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from mailqueue import accounts, weights
from mailqueue.models import AccountRule, HostingAccount, HouseRule, RuleCount
from mailqueue.screening import RULES
from panel import rule_words
from panel.models import AuditEntry, User
from tests.panel.conftest import Browse

PAGE = "/rules/"
OWN = "/web/hosting/boutique.example/rules/"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def text(response: Any) -> str:
    told = str(response.content.decode())
    return told.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def rules_of(page: str) -> list[str]:
    return re.findall(r'<tr id="(\w+)">', page)


def count(rule: str, now: datetime, fired: int, convicted: int = 0, overruled: int = 0) -> None:
    RuleCount.objects.create(
        rule=rule, day=now.date(), fired=fired, convicted=convicted, overruled=overruled
    )


def test_all_rules_are_listed_those_that_fire_most_first(
    browse: Browse, administrator: User, now: datetime
) -> None:
    count("blank", now, 1234, 7, 3)
    count("pills", now, 5, 5)
    page = text(browse(administrator).get(PAGE))
    found = rules_of(page)
    assert set(found) == set(RULES)
    assert found[:2] == ["blank", "pills"]
    assert "1 234" in page
    assert "Plus de 70 % du texte est blanc" in page
    assert "usage à éviter, du guide" in page
    assert 'aria-current="true">Règles de filtrage</a>' in page


def test_the_picture_has_the_rules_that_fired(
    browse: Browse, administrator: User, now: datetime
) -> None:
    assert "<canvas" not in text(browse(administrator).get(PAGE))
    count("blank", now, 100, 40, 10)
    page = text(browse(administrator).get(PAGE))
    assert "<canvas" in page
    table = page.partition('<table id="history">')[2].partition("</table>")[0]
    assert re.findall(r'<data value="(\d+)">', table) == ["60", "30", "10"]


def test_it_is_searched_sorted_and_narrowed(
    browse: Browse, administrator: User, now: datetime
) -> None:
    count("blank", now, 9, 1, 0)
    count("pills", now, 5, 5, 2)
    weights.set_house("crypto", 0.5, "admin", now)
    client = browse(administrator)
    assert rules_of(text(client.get(PAGE, {"q": "MÉDICAMENTS"}))) == ["pills"]
    assert rules_of(text(client.get(PAGE, {"q": "subject_cap"}))) == ["subject_capitals"]
    assert "Aucune règle ne correspond." in text(client.get(PAGE, {"q": "nothing-like-it"}))
    assert rules_of(text(client.get(PAGE, {"sort": "overruled"})))[0] == "pills"
    assert rules_of(text(client.get(PAGE, {"sort": "convicted"})))[0] == "pills"
    assert rules_of(text(client.get(PAGE, {"changed": "1"}))) == ["crypto"]
    assert len(rules_of(text(client.get(PAGE, {"sort": "x", "q": "\0"})))) == len(RULES)
    assert "<script>alert" not in text(client.get(PAGE, {"q": "<script>alert(1)</script>"}))


def test_a_rule_is_switched_off_in_the_list_and_on_again(
    browse: Browse, administrator: User, now: datetime
) -> None:
    client = browse(administrator)
    place = {"percent": "0", "list": "q=blank&sort=title&next=//evil.example"}
    answer = client.post(PAGE + "blank/", place)
    assert answer["Location"] == "/rules/?q=blank&sort=title#blank"
    page = text(client.get(answer["Location"]))
    assert "Poids de « Plus de 70 % du texte est blanc » : désactivée." in page
    assert 'aria-label="Activer : Plus de 70 % du texte est blanc"' in page
    assert HouseRule.objects.get().weight == 0
    client.post(PAGE + "blank/", {"percent": "100"})
    assert not HouseRule.objects.exists()
    told = AuditEntry.objects.filter(action="change_rule").order_by("pk")
    assert [(entry.target, entry.actor) for entry in told] == [("blank", "admin")] * 2
    assert told[0].details["after"] == "désactivée"


def test_a_rule_tells_how_it_fared_and_where_it_was_overruled(
    browse: Browse, administrator: User, account: HostingAccount, now: datetime
) -> None:
    count("link_text", now, 8, 3, 1)
    RuleCount.objects.create(rule="link_text", day=(now - timedelta(days=2)).date(), fired=4)
    weights.overrule(account.pk, [["link_text"]], "claire", now)
    page = text(browse(administrator).get(PAGE + "link_text/"))
    assert "Un lien qui affiche un autre site que celui où il mène" in page
    assert "Le texte dit …, le lien mène à …." in page
    assert "%(" not in page
    table = page.partition('<table id="history">')[2].partition("</table>")[0]
    values = re.findall(r'<data value="(\d+)">', table)
    assert len(values) == 90
    assert values[-3:] == ["5", "1", "2"]
    assert values[-9:-6] == ["4", "0", "0"]
    assert f'href="{OWN}">boutique.example</a>' in page
    assert "50 %" in page


@pytest.mark.parametrize("rule", RULES)
def test_the_advice_of_every_rule_can_be_told(rule: str) -> None:
    with translation.override("fr"):
        advice = rule_words.advice(rule)
    assert advice != RULES[rule].advice
    assert "%" not in advice.replace(" %", "").replace("\N{NO-BREAK SPACE}%", "")


def test_the_weight_is_changed_within_bounds(
    browse: Browse, administrator: User, now: datetime
) -> None:
    client = browse(administrator)
    for wrong in ("-1", "301", "x", ""):
        assert client.post(PAGE + "blank/", {"percent": wrong}).status_code == 400
    assert not HouseRule.objects.exists()
    told = text(client.post(PAGE + "blank/", {"percent": "150"}, follow=True))
    assert "Poids de « Plus de 70 % du texte est blanc » : 150 %." in told
    assert "modifié par admin," in told
    assert weights.of_house() == {"blank": 1.5}
    assert "Rien n’a été changé" in text(
        client.post(PAGE + "blank/", {"percent": "150"}, follow=True)
    )
    assert AuditEntry.objects.count() == 1


def test_malware_says_what_a_weight_means_there(browse: Browse, administrator: User) -> None:
    assert "suffit à un verdict" in text(browse(administrator).get(PAGE + "malware/"))
    assert "suffit à un verdict" not in text(browse(administrator).get(PAGE + "blank/"))


def test_an_account_has_weights_of_its_own(
    browse: Browse, administrator: User, account: HostingAccount, now: datetime
) -> None:
    client = browse(administrator)
    assert "Aucune règle ne s’est déclenchée pour cet hébergement." in text(client.get(OWN))
    weights.set_house("blank", 0.5, "admin", now)
    weights.overrule(account.pk, [["blank"]], "claire", now)
    AccountRule.objects.create(account=account, rule="pills", fired=3)
    AccountRule.objects.create(account=account, rule="gone_by_now", fired=1, weight=0.5)
    page = text(client.get(OWN))
    assert "25 %" in page
    assert "claire" in page
    assert "gone_by_now" in page
    assert "/rules/gone_by_now/" not in page
    told = text(client.post(OWN, {"rule": "pills", "percent": "0"}, follow=True))
    assert "Poids de « Vend des médicaments » : désactivée." in told
    assert weights.of([account.pk])[account.pk]["pills"] == 0
    entry = AuditEntry.objects.get(action="change_rule")
    assert (entry.account, entry.target) == (account, "pills")
    told = text(client.post(OWN + "reset/", follow=True))
    assert "Les règles ont de nouveau le même poids que partout ailleurs." in told
    assert weights.of([account.pk])[account.pk] == {"blank": 0.5}
    assert AuditEntry.objects.get(action="reset_rules").details == {"number_rules": 3}
    told = text(client.post(OWN + "reset/", follow=True))
    assert "Rien n’a été changé" in told


def test_malware_weighs_the_same_for_all(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    assert browse(administrator).post(OWN, {"rule": "malware", "percent": "0"}).status_code == 400
    assert not AccountRule.objects.exists()


def test_pages_ask_as_much_for_many_rows(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
    now: datetime,
) -> None:
    client = browse(administrator)
    pages = (PAGE, PAGE + "blank/", OWN)
    before = [queries(lambda page=page: client.get(page)) for page in pages]  # type: ignore[misc]
    for number in range(5):
        other = accounts.create(f"a{number}.example", now)
        weights.overrule(other.pk, [list(RULES)], "x", now)
    weights.overrule(account.pk, [list(RULES)], "x", now)
    for rule in RULES:
        weights.set_house(rule, 0.5, "admin", now)
        for days in range(1, 30):
            RuleCount.objects.create(rule=rule, day=(now - timedelta(days=days)).date(), fired=1)
    after = [queries(lambda page=page: client.get(page)) for page in pages]  # type: ignore[misc]
    assert after == before


def test_the_account_says_what_becomes_of_spam(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    edit = "/web/hosting/boutique.example/edit/"
    page = text(client.get(edit))
    assert "Règle par défaut du serveur : Le retenir" in page
    assert "Règle par défaut du serveur : non" in page
    values = {
        "language": "fr",
        "time_zone": "Europe/Paris",
        "report_to": account.report_to,
        "uid": "1001",
        "hold_hours": "",
    }
    client.post(edit, {**values, "screening": "note", "owners_overrule": "yes"})
    account.refresh_from_db()
    assert (account.screening, account.owners_overrule) == ("note", True)
    details = AuditEntry.objects.get(action="change_account").details
    assert set(details) == {"screening", "owners_overrule"}
    told = text(client.get("/web/hosting/boutique.example/"))
    assert "les propriétaires peuvent le marquer comme souhaité" in told
    client.post(edit, {**values, "screening": "", "owners_overrule": "no"})
    account.refresh_from_db()
    assert (account.screening, account.owners_overrule) == ("", False)
    client.post(edit, {**values, "screening": "", "owners_overrule": ""})
    account.refresh_from_db()
    assert account.owners_overrule is None
    assert client.post(edit, {**values, "screening": "burn"}).status_code == 400
