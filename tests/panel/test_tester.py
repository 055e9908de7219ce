"""« Tester un e-mail »: what would become of a message that is pasted or uploaded."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from mailqueue import senders, signing_keys, weights
from mailqueue.examining import Examined
from mailqueue.models import AccountTotals, HostingAccount, Message, Screening, SigningKey
from mailqueue.screening import RULES
from panel import tester, tester_words
from panel.models import AuditEntry, User
from panel.tester import Author
from tests.panel.conftest import HTMX, Browse
from tests.support.letters import attachment, texts

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/tester/"
FINE = """From: Boutique <contact@boutique.example>
To: marie@example.org
Subject: Votre commande 1234

Bonjour Marie, merci pour votre commande. Elle part demain.
https://boutique.example/commande/1234
"""
ODD = FINE.replace("Votre commande 1234", "FREE VERY CHEAP THINGS")


def text(response: Any) -> str:
    return str(response.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def _file(content: bytes, name: str = "a.eml") -> dict[str, Any]:
    return {"source": "", "file": SimpleUploadedFile(name, content)}


def test_an_honest_message_goes_out(browse: Browse, owner: User, account: HostingAccount) -> None:
    page = text(browse(owner).post(PAGE, {"source": FINE}))
    assert "Cet e-mail part" in page
    assert "Rien n’a été trouvé à corriger." in page
    assert "Ce qui est bien" in page
    assert "Les liens mènent où ils le disent." in page
    assert "Il ajoute ce qui manque à l’en-tête : Date, Message-ID." in page
    assert "de cet hébergement" in page


def test_what_is_wrong_is_told_with_its_points_its_place_and_what_to_do(
    browse: Browse, owner: User
) -> None:
    page = text(browse(owner).post(PAGE, {"source": ODD}))
    assert "2 points peuvent être améliorés." in page
    capitals = page.index("Trois mots ou plus en majuscules dans l’objet")
    opening = page.index("L’objet commence comme celui d’un spam")
    assert capitals < opening, "the heaviest first"
    assert "+1,20 pt" in page
    assert "Dans l’objet" in page
    assert "Écrivez l’objet en minuscules" in page
    assert "sans crier" not in page
    assert '<rect class="gauge-score" width="20.0"' in page


@pytest.mark.parametrize(
    ("kind", "title"),
    [("exe", "Cet e-mail serait retenu comme spam"), ("disguised", "un programme malveillant")],
)
def test_what_would_be_held_is_said_to_be(
    browse: Browse, owner: User, kind: str, title: str
) -> None:
    text_of = next(one for one in texts("abuse") if one.attached == kind)
    name, _type, _content = attachment(kind)
    page = text(browse(owner).post(PAGE, _file(text_of.message())))
    assert title in page
    assert name in page
    assert "verdict-bad" in page


@pytest.mark.parametrize("mode", ["note", "off"])
def test_where_nothing_is_held_it_says_so(
    browse: Browse, owner: User, account: HostingAccount, mode: str
) -> None:
    HostingAccount.objects.update(screening=mode)
    text_of = next(one for one in texts("abuse") if one.attached == "exe")
    page = text(browse(owner).post(PAGE, _file(text_of.message())))
    assert "Cet e-mail ressemble à du spam" in page
    assert "Il partirait tout de même" in page


def test_the_weights_of_the_account_count(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    weights.set_own(account.pk, "subject_capitals", 0.0, "claire", now)
    page = text(browse(owner).post(PAGE, {"source": ODD}))
    assert "L’objet commence comme celui d’un spam" in page
    assert "Trois mots ou plus en majuscules" not in page


def test_what_passes_only_just_is_told_so(browse: Browse, owner: User) -> None:
    wild = ODD.replace("Bonjour", "Bonjour http://192.0.2.1/")
    page = text(browse(owner).post(PAGE, {"source": wild}))
    assert "Cet e-mail part, mais de justesse" in page
    assert "Il ne manque que" in page


def test_nothing_is_kept_nothing_is_sent(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    browse(owner).post(PAGE, {"source": ODD})
    browse(owner).post(PAGE, _file(FINE.encode()))
    assert not Message.objects.exists()
    assert not AuditEntry.objects.exists()
    assert AccountTotals.objects.get(account=account).accepted == 0


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"source": ""}, "Il n’y a rien à tester"),
        ({}, "Il n’y a rien à tester"),
        ({"source": "Bonjour Marie"}, "Il manque l’en-tête"),
        ({"source": "From: a@b\n\n\0"}, "pas un e-mail, mais un autre fichier"),
        (_file(b""), "Il n’y a rien à tester"),
        (_file(b"%PDF\0"), "pas un e-mail, mais un autre fichier"),
        (_file(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "x.msg"), "un fichier d’Outlook"),
    ],
)
def test_what_is_no_message_is_refused_with_a_word(
    browse: Browse, owner: User, sent: dict[str, Any], words: str
) -> None:
    client = browse(owner)
    for headers in ({}, HTMX):
        if "file" in sent:
            sent["file"].seek(0)
        response = client.post(PAGE, sent, headers=headers)
        assert response.status_code == 400
        assert words in text(response)
        assert "verdict" not in text(response)


def test_what_was_pasted_stays_in_the_form(browse: Browse, owner: User) -> None:
    pasted = "\nBonjour </textarea><b>Marie</b>"
    page = text(browse(owner).post(PAGE, {"source": pasted}))
    assert "\n\nBonjour &lt;/textarea&gt;&lt;b&gt;Marie&lt;/b&gt;</textarea>" in page
    assert "Bonjour Marie, merci" in text(browse(owner).post(PAGE, {"source": FINE}))


def test_htmx_gets_the_answer_alone(browse: Browse, owner: User) -> None:
    page = text(browse(owner).post(PAGE, {"source": ODD}, headers=HTMX))
    assert "<html" not in page
    assert "<textarea" not in page
    assert 'id="verdict-title"' in page


def test_a_file_that_is_too_large_is_refused_and_not_kept_in_memory(
    browse: Browse, owner: User
) -> None:
    large = FINE.encode() + b"x" * (3 * settings.MESSAGE_SIZE_LIMIT)
    response = browse(owner).post(PAGE, _file(large))
    assert response.status_code == 400
    assert "Ce fichier dépasse 10 Mo" in text(response)


def test_the_largest_message_is_looked_at(browse: Browse, owner: User) -> None:
    line = b"x" * 98 + b"\r\n"
    head = FINE.replace("\n", "\r\n").encode()
    fits = head + line * ((settings.MESSAGE_SIZE_LIMIT - len(head)) // 100)
    page = text(browse(owner).post(PAGE, _file(fits)))
    assert "Cet e-mail part" in page
    # A file in which lines end with LF alone grows on the wire.
    grows = fits.replace(b"\r\n", b"\n") + b"x\n" * 40_000
    page = text(browse(owner).post(PAGE, _file(grows)))
    assert "Cet e-mail serait refusé" in page
    assert "Il dépasse 10 Mo." in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_text_that_is_too_long_for_a_form_is_refused_with_a_word(
    browse: Browse, owner: User, headers: dict[str, str]
) -> None:
    response = browse(owner).post(PAGE, {"source": "x" * 2_700_000}, headers=headers)
    assert response.status_code == 400
    assert "peut être envoyé comme fichier" in text(response)


def test_structure_that_the_relay_refuses_is_told_in_its_words(browse: Browse, owner: User) -> None:
    page = text(browse(owner).post(PAGE, {"source": f"Subject: {'w' * 1200}\n\nx"}))
    assert "Cet e-mail serait refusé" in page
    assert "header field subject has a line that is too long" in page


def test_the_rule_of_the_account_for_senders_counts(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    foreign = FINE.replace("contact@boutique.example", "chef@example.net")
    client = browse(owner)
    page = text(client.post(PAGE, {"source": foreign}))
    assert "Cet e-mail part" in page
    assert "étranger à cet hébergement" in page
    senders.set_policy(account.pk, "refuse")
    page = text(client.post(PAGE, {"source": foreign}))
    assert "Cet hébergement n’a pas le droit d’écrire au nom de example.net." in page
    assert "Cet e-mail part" in text(client.post(PAGE, {"source": FINE}))


def test_it_tells_which_key_would_sign(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    client = browse(owner)
    assert "aucune clé n’est active" in text(client.post(PAGE, {"source": FINE}))
    key = signing_keys.make("boutique.example", SigningKey.Algorithm.ED25519, "claire", now)
    signing_keys.activate(key, now)
    page = text(client.post(PAGE, {"source": FINE}))
    assert f"{key.selector}._domainkey.boutique.example" in page
    assert "au nom de ce serveur" not in page


def test_links_to_the_account_are_its_own(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    phishing = next(text for text in texts("abuse") if text.host and "pass" in text.body.lower())
    before = tester.judge(account, phishing.message(), now)
    senders.add(account, phishing.host, "claire", now)
    after = tester.judge(account, phishing.message(), now)
    assert isinstance(before, Examined)
    assert isinstance(after, Examined)
    assert after.score <= before.score


def test_so_many_tests_an_hour_are_the_most(
    browse: Browse, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tester, "MOST_TESTS", 2)
    client = browse(owner)
    statuses = [client.post(PAGE, {"source": FINE}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_every_rule_belongs_to_one_check_at_most_and_is_one() -> None:
    named = [rule for rules in tester_words._CHECKS.values() for rule in rules]
    assert len(named) == len(set(named))
    assert set(named) <= set(RULES)


def test_a_rule_of_no_check_is_told_all_the_same(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tester_words, "_CHECK_OF", {})
    examined = tester.judge(account, ODD.encode(), now)
    assert isinstance(examined, Examined)
    author = Author(True, senders.policy_of(account), (), is_aligned=False)
    report = tester_words.report(examined, author, Screening.HOLD)
    assert {check.name: check.points for check in report.checks}["rest"] == 2.0


def test_it_asks_the_database_little(
    browse: Browse, owner: User, queries: Callable[[Callable[[], object]], int]
) -> None:
    client = browse(owner)
    once = queries(lambda: client.post(PAGE, {"source": FINE}))
    assert queries(lambda: client.post(PAGE, {"source": FINE + ODD * 50})) == once
    assert once <= 12
