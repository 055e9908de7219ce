"""Cases on the panel: what is found, who may look, who answers; and what an owner reads."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from mailqueue import service
from mailqueue.models import (
    CaseSample,
    HostingAccount,
    Message,
    Recipient,
    Review,
    Script,
    SpamCase,
    StateChange,
)
from mailqueue.screening import screen
from panel.models import AuditEntry, User
from tests.panel.conftest import Browse
from tests.support import judged

pytestmark = pytest.mark.django_db

PAGE = "/web/hosting/boutique.example/scripts-emails/"
HOUR = timedelta(hours=1)
BLANKS = {"\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " "}


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return " ".join(response.content.decode().translate(str.maketrans(BLANKS)).split())


@pytest.fixture
def case(account: HostingAccount) -> SpamCase:
    """An account that was stopped for spam."""
    now = timezone.now()
    judged.wanton(account, now)
    service.report_spam(account.pk, "Plainte <b>reçue</b>", now)
    return SpamCase.objects.get()


@pytest.fixture
def address(case: SpamCase) -> str:
    return f"{PAGE}cases/{case.pk}/"


@pytest.fixture
def _review(case: SpamCase) -> None:
    HostingAccount.objects.update(review_required=True)


def test_the_page_shows_what_was_found_and_how_to_mend_it(
    browse: Browse, owner: User, address: str
) -> None:
    seen = text(browse(owner).get(address))
    assert "Vend des médicaments" in seen
    assert "protégez le formulaire par un captcha" in seen
    assert "Plainte &lt;b&gt;reçue&lt;/b&gt;" in seen
    assert "5 de ces 7 e-mails viennent du script contact.php." in seen
    assert "victime0@example.net" in seen
    assert "et 2 autres destinataires" in seen
    assert "wp-mailer.php" in seen
    score = f"{screen(judged.letter('first-disguised')).score:.1f}".replace(".", ",")
    assert f"Score {score} ; SPAM à partir de 5,0" in seen
    assert "Cas n° 2" in seen
    # A bar for each rule; the heaviest one is whole.
    bars = [
        int(width) for width in re.findall(r'<progress class="share" max="100" value="(\d+)"', seen)
    ]
    assert len(bars) == len(SpamCase.objects.get().rules)
    assert bars[0] == 100
    assert bars == sorted(bars, reverse=True)


def test_an_owner_is_told_the_way_out_and_answers_nothing(
    browse: Browse, owner: User, reader: User, address: str
) -> None:
    seen = text(browse(owner).get(address))
    assert f'href="{PAGE}purge/confirm/"' in seen
    assert "Votre réponse" not in seen
    assert browse(owner).post(address + "answer/", {"answer": "lift"}).status_code == 403
    assert f'href="{PAGE}purge/confirm/"' not in text(browse(reader).get(address))
    assert HostingAccount.objects.get(service_name="boutique.example").state == "spam"


@pytest.mark.usefixtures("_review")
def test_where_a_review_is_required_the_owner_states_and_the_administrator_refuses(
    browse: Browse, owner: User, administrator: User, account: HostingAccount, address: str
) -> None:
    assert f'href="{PAGE}review/"' in text(browse(owner).get(address))
    service.state_review(account.pk, "<i>claire</i>", "Captcha <b>posé</b>.", timezone.now())
    seen = text(browse(administrator).get(address))
    assert "<strong><bdi>&lt;i&gt;claire&lt;/i&gt;</bdi></strong>" in seen
    assert "Captcha &lt;b&gt;posé&lt;/b&gt;." in seen
    assert "sur cette page" in seen

    response = browse(administrator).post(address + "answer/", {"answer": "refuse", "word": " "})
    assert "Dites pourquoi le blocage est maintenu." in text(response, 400)
    assert Review.objects.get().answered_at is None
    response = browse(administrator).post(
        address + "answer/", {"answer": "refuse", "word": "Le fichier est encore là."}, follow=True
    )
    assert "Le propriétaire est averti que le blocage est maintenu" in text(response)
    assert Review.objects.get().answer == "Le fichier est encore là."
    assert AuditEntry.objects.get().action == "refuse_review"
    assert "Le fichier est encore là." in text(browse(owner).get(address))
    assert HostingAccount.objects.get().state == "spam"


@pytest.mark.usefixtures("_review")
def test_an_administrator_lifts_with_a_word_and_the_case_ends(
    browse: Browse, owner: User, administrator: User, account: HostingAccount, address: str
) -> None:
    service.state_review(account.pk, "Claire <c@b.example>", "Fait.", timezone.now(), by_mail=True)
    assert "par e-mail" in text(browse(administrator).get(address))
    browse(administrator).post(address + "answer/", {"answer": "lift", "word": "Merci."})
    account.refresh_from_db()
    assert (account.state, account.review_required) == ("ok", False)
    assert StateChange.objects.latest("pk").reason == "Merci."
    assert (Review.objects.get().is_lifted, Review.objects.get().answer) == (True, "Merci.")
    assert SpamCase.objects.get().closed_by == "admin"
    assert AuditEntry.objects.get().action == "lift"
    seen = text(browse(owner).get(address))
    assert "terminé" in seen
    assert "a levé le blocage" in seen
    assert "Merci." in seen
    assert "Cas n° 1" not in seen


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"answer": "lift"}, "L’envoi n’est pas bloqué"),
        ({"answer": "refuse", "word": "x"}, "Personne n’attend de réponse"),
    ],
)
def test_where_there_is_nothing_to_answer_nothing_changes(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    address: str,
    given: dict[str, str],
    words: str,
) -> None:
    service.lift(account.pk, "other", timezone.now())
    response = browse(administrator).post(address + "answer/", given)
    assert words in text(response, 409)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("given", [{}, {"answer": "burn"}, {"answer": "lift", "word": "x" * 1001}])
def test_nonsense_answers_nothing(
    browse: Browse, administrator: User, address: str, given: dict[str, str]
) -> None:
    assert browse(administrator).post(address + "answer/", given).status_code == 400
    assert HostingAccount.objects.get().state == "spam"


def test_a_purge_leaves_the_case_with_its_examples(
    browse: Browse, owner: User, address: str
) -> None:
    browse(owner).post(PAGE + "purge/")
    assert set(Recipient.objects.values_list("status", flat=True)) == {"purged"}
    seen = text(browse(owner).get(address))
    assert "Votre compte est limité" in seen
    assert "Vend des médicaments" in seen
    assert "clos aujourd’hui" in seen.lower()
    lure = CaseSample.objects.get(subject="Votre compte est limité")
    assert "secure-update.xyz" in text(browse(owner).get(f"{address}e-mails/{lure.pk}/html/"))


def test_unblocking_stays_refused(browse: Browse, owner: User, address: str) -> None:
    response = browse(owner).post(PAGE + "unblock/")
    assert "Purgez d’abord les e-mails" in text(response, 409)


def test_an_e_mail_of_a_case_is_locked_up_like_any_other(
    browse: Browse, owner: User, address: str
) -> None:
    lure = CaseSample.objects.get(subject="Votre compte est limité")
    place = f"{address}e-mails/{lure.pk}/"
    seen = text(browse(owner).get(place))
    assert f'src="{place}html/"' in seen
    assert "Demande des mots de passe" in seen
    document = browse(owner).get(place + "html/")
    assert "sandbox; default-src 'none'" in document["Content-Security-Policy"]
    assert document["X-Frame-Options"] == "SAMEORIGIN"
    file = browse(owner).get(place + "download/")
    assert file.content == judged.letter("first-paypal")
    assert file["Content-Disposition"] == f'attachment; filename="{lure.queue_id}.eml"'


def test_each_look_stands_in_the_journal(
    browse: Browse, reader: User, account: HostingAccount, address: str
) -> None:
    lure = CaseSample.objects.get(subject="Votre compte est limité")
    client = browse(reader)
    client.get(address)
    for place in ("", "html/", "download/"):
        client.get(f"{address}e-mails/{lure.pk}/{place}")
    entries = AuditEntry.objects.order_by("pk").values_list("actor", "action", "target", "account")
    assert list(entries) == [
        ("lise", "preview", lure.queue_id, account.pk),
        ("lise", "download", lure.queue_id, account.pk),
    ]


def test_administrators_can_be_kept_out_of_e_mails_and_see_the_findings(
    browse: Browse, administrator: User, address: str
) -> None:
    sample = CaseSample.objects.latest("pk")
    with override_settings(ADMIN_PREVIEWS=False):
        assert "Vend des médicaments" in (seen := text(browse(administrator).get(address)))
        assert "Voir cet e-mail" not in seen
        for place in ("", "html/", "download/"):
            response = browse(administrator).get(f"{address}e-mails/{sample.pk}/{place}")
            assert response.status_code == 403


def test_an_e_mail_that_was_erased_is_told_so(
    browse: Browse, owner: User, account: HostingAccount, address: str
) -> None:
    service.forget(account.pk, "victime1@example.net")
    sample = CaseSample.objects.get(content=None)
    seen = text(browse(owner).get(f"{address}e-mails/{sample.pk}/"))
    assert "(adresse effacée)" in seen
    assert "il a été effacé" in seen
    assert browse(owner).get(f"{address}e-mails/{sample.pk}/html/").status_code == 404
    assert browse(owner).get(f"{address}e-mails/{sample.pk}/download/").status_code == 404
    assert not AuditEntry.objects.exists(), "nobody saw anything"


def test_another_account_s_case_is_not_found(
    browse: Browse, administrator: User, other: HostingAccount, case: SpamCase
) -> None:
    sample = CaseSample.objects.latest("pk")
    elsewhere = f"/web/hosting/autre.example/scripts-emails/cases/{case.pk}/"
    assert browse(administrator).get(elsewhere).status_code == 404
    assert browse(administrator).get(f"{elsewhere}e-mails/{sample.pk}/").status_code == 404
    assert browse(administrator).post(elsewhere + "answer/", {"answer": "lift"}).status_code == 404


def test_a_stop_without_findings_says_so(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    service.report_spam(account.pk, "", timezone.now())
    seen = text(browse(owner).get(f"{PAGE}cases/{SpamCase.objects.get().pk}/"))
    assert "L’analyse n’a rien trouvé dans ces e-mails." in seen
    assert "Aucun de ces e-mails n’indique son script." in seen
    assert "Il n’y avait aucun e-mail à montrer." in seen


def test_the_page_of_the_account_explains_the_stop(
    browse: Browse, owner: User, address: str
) -> None:
    seen = text(browse(owner).get(PAGE))
    assert "Ce qui a été trouvé" in seen
    assert "Vend des médicaments" in seen
    assert "score 6,0, dans 5 des 7 e-mails" in seen
    assert f'<a href="{address}">Voir toute l’analyse, avec des exemples</a>' in seen
    browse(owner).post(PAGE + "purge/")
    assert "Voir toute l’analyse" not in text(browse(owner).get(PAGE))


def test_the_figures_of_screening_are_told(
    browse: Browse, owner: User, case: SpamCase, address: str
) -> None:
    figures = {"messages": 6, "recipients": 54, "minutes": 10, "malware": 1}
    StateChange.objects.filter(pk=case.change_id).update(figures=figures)
    seen = text(browse(owner).get(address))
    assert "En 10 minutes, 6 e-mails ont été considérés comme du SPAM (destinataires : 54)." in seen
    assert "Un seul e-mail contenant un logiciel malveillant suffit" in seen


def test_the_list_has_open_cases_and_all_on_demand(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    other: HostingAccount,
    case: SpamCase,
) -> None:
    service.report_spam(other.pk, "", timezone.now())
    HostingAccount.objects.filter(pk=other.pk).update(review_required=True)
    service.state_review(other.pk, "paul", "Fait.", timezone.now())
    service.purge(account.pk, "claire", timezone.now())
    client = browse(administrator)
    seen = text(client.get("/cases/"))
    assert "autre.example" in seen
    assert "boutique.example" not in seen
    assert "demandé par son propriétaire" in seen
    seen = text(client.get("/cases/", {"all": "on"}))
    assert "boutique.example" in seen
    assert "Vend des médicaments" in seen
    seen = text(client.get("/cases/", {"all": "on", "q": "autre"}))
    assert "boutique.example" not in seen
    assert "Aucun arrêt pour SPAM trouvé." in text(client.get("/cases/", {"q": "<b>"}))


def test_a_long_list_comes_in_pages(
    browse: Browse, administrator: User, account: HostingAccount, queries: Callable[..., int]
) -> None:
    now, client, counted = timezone.now(), browse(administrator), []
    for number in range(60):
        service.report_spam(account.pk, "", now + number * HOUR)
        HostingAccount.objects.update(state="ok")
        if number in {2, 59}:
            counted.append(queries(lambda: client.get("/cases/?all=on")))
    assert counted[0] == counted[1]
    cases = list(SpamCase.objects.order_by("-opened_at").values_list("pk", flat=True))
    first = text(client.get("/cases/?all=on"))
    assert f"?all=on&amp;before={cases[49]}" in first
    second = text(client.get(f"/cases/?all=on&before={cases[49]}"))
    shown = [int(pk) for pk in re.findall(r"/cases/(\d+)/\"", second)]
    assert shown == cases[50:]
    assert 'href="?all=on"' in second


@pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "all=%00&q=%00"])
def test_nonsense_in_the_address_is_as_good_as_nothing(
    browse: Browse, administrator: User, case: SpamCase, query: str
) -> None:
    assert "boutique.example" in text(browse(administrator).get(f"/cases/?{query}"))


def test_it_leads_to_the_scripts_and_to_what_became_of_the_e_mails(
    browse: Browse, owner: User, reader: User, account: HostingAccount, address: str
) -> None:
    script = Script.objects.get(name="contact.php")
    seen = text(browse(owner).get(address))
    place = f"/web/hosting/boutique.example/scripts/{script.key}/"
    assert f'href="{place}"' in seen
    assert "La page d’un script permet de le bloquer" in seen
    assert "La page d’un script permet de le bloquer" not in text(browse(reader).get(address))
    lure = CaseSample.objects.get(subject="Votre compte est limité")
    assert f'href="{PAGE}messages/{lure.queue_id}/"' in seen
    # After 90 days their rows are gone.
    Message.objects.all().delete()
    Script.objects.all().delete()
    seen = text(browse(owner).get(address))
    assert place not in seen
    assert f'href="{PAGE}messages/{lure.queue_id}/"' not in seen


def test_what_others_stopped_for_stands_beside_it(
    browse: Browse, owner: User, account: HostingAccount, address: str
) -> None:
    service.purge(account.pk, "claire", timezone.now())
    service.report_spam(account.pk, "", timezone.now())
    second = SpamCase.objects.latest("pk")
    assert f'href="{address}"' in text(browse(owner).get(f"{PAGE}cases/{second.pk}/"))
