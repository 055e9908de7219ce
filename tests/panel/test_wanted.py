"""« Marquer comme souhaité »: on the page of the queue and on that of a message."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from mailqueue import ledger, service
from mailqueue.models import (
    AccountRule,
    HostingAccount,
    Judgement,
    Message,
    Recipient,
)
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse, Submit
from tests.support.judged import pronounce

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/"
QUEUE = PAGE + "queue/"
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def spam(submit: Submit, now: datetime) -> Message:
    """A message to two, held because it was judged spam."""
    submit(now, recipients=("a@example.org", "b@example.org"), subject="Soldes")
    message = Message.objects.get()
    pronounce(message, now)
    return message


@pytest.fixture
def _allowed(account: HostingAccount) -> None:
    HostingAccount.objects.update(owners_overrule=True)


def chosen() -> dict[str, Any]:
    return {"chosen": list(Recipient.objects.values_list("pk", flat=True))}


def text(response: Any) -> str:
    told = str(response.content.decode())
    return told.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def standings() -> set[tuple[str, str]]:
    return set(Recipient.objects.values_list("status", "hold_reason"))


def of(message: Message, more: str = "") -> str:
    return f"{PAGE}messages/{message.queue_id}/{more}"


def test_the_queue_tells_what_was_judged_spam_and_narrows_to_it(
    browse: Browse, owner: User, spam: Message, submit: Submit, now: datetime
) -> None:
    submit(now, subject="Facture")
    page = text(browse(owner).get(QUEUE))
    assert page.count('<span class="badge">Jugé indésirable</span>') == 2
    assert "score 5,5" in page
    narrowed = text(browse(owner).get(QUEUE, {"standing": "spam"}))
    assert "Soldes" in narrowed
    assert "Facture" not in narrowed
    Recipient.objects.filter(message=spam).update(hold_reason="script")
    assert "Retenu : script bloqué" in text(browse(owner).get(QUEUE, {"standing": "script"}))


def test_without_spam_there_is_no_button_for_it(
    browse: Browse, administrator: User, submit: Submit, now: datetime
) -> None:
    submit(now)
    assert "choose-wanted" not in text(browse(administrator).get(QUEUE))


def test_a_selection_is_explained_and_then_goes(
    browse: Browse, administrator: User, spam: Message
) -> None:
    client = browse(administrator)
    assert 'id="choose-wanted"' in text(client.get(QUEUE))
    asked = text(client.post(QUEUE + "wanted/confirm/", chosen()))
    assert "2 e-mails partent aussitôt" in asked
    assert "Un e-mail semblable aurait alors un score de 2,7 et partirait" in asked
    assert "Vend des médicaments" in asked
    assert "50 %" in asked
    assert standings() == {("held", "spam")}
    answer = text(client.post(QUEUE + "wanted/", chosen(), headers=HTMX))
    assert "2 e-mails sont remis en distribution." in answer
    assert "Le filtrage en tient désormais compte" in answer
    assert standings() == {("waiting", "")}
    assert set(AccountRule.objects.values_list("weight", flat=True)) == {0.5}
    entry = AuditEntry.objects.get(action="mark_wanted")
    assert (entry.target, entry.details) == (spam.queue_id, {"number": 2, "of": 2})
    assert Judgement.objects.get().wanted_by == "admin"


def test_what_is_no_spam_is_left_alone(
    browse: Browse, administrator: User, submit: Submit, now: datetime
) -> None:
    submit(now)
    answer = browse(administrator).post(QUEUE + "wanted/", chosen())
    assert answer.status_code == 409
    assert "il n’est pas retenu comme indésirable" in text(answer)
    assert not AuditEntry.objects.exists()


def test_an_owner_is_told_whom_to_ask(browse: Browse, owner: User, spam: Message) -> None:
    client = browse(owner)
    assert "Adressez-vous à un administrateur" in text(client.get(QUEUE))
    page = text(client.get(of(spam)))
    assert "Adressez-vous à un administrateur" in page
    assert of(spam, "wanted/") not in page
    assert client.post(QUEUE + "wanted/", chosen()).status_code == 409
    assert client.post(of(spam, "wanted/")).status_code == 409
    assert standings() == {("held", "spam")}


@pytest.mark.usefixtures("_allowed")
def test_an_owner_who_may_lets_it_go(browse: Browse, owner: User, spam: Message) -> None:
    client = browse(owner)
    assert of(spam, "wanted/") in text(client.get(of(spam)))
    page = text(client.get(of(spam, "wanted/")))
    assert "Un e-mail semblable aurait alors un score de 2,7 et partirait" in page
    assert "Laisser partir seulement" not in page
    told = text(client.post(of(spam, "wanted/"), {"only": "1"}, follow=True))
    assert "2 e-mails sont remis en distribution." in told
    assert "claire l’a marqué comme souhaité :" in told
    assert standings() == {("waiting", "")}
    assert AccountRule.objects.count() == 3
    assert AuditEntry.objects.filter(action="mark_wanted", target=spam.queue_id).exists()
    again = client.post(of(spam, "wanted/"))
    assert again.status_code == 409
    assert "Il est déjà marqué comme souhaité." in text(again)


@pytest.mark.usefixtures("_allowed")
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "spam"}, "Après un blocage pour spam, un administrateur doit examiner"),
        ({"state": "ko", "review_required": True}, "Un administrateur doit encore examiner"),
        ({"state": "purging"}, "Une purge est en cours"),
    ],
)
def test_an_owner_is_told_why_it_must_wait(
    browse: Browse, owner: User, spam: Message, values: dict[str, Any], words: str
) -> None:
    HostingAccount.objects.update(**values)
    refused = browse(owner).post(of(spam, "wanted/"))
    assert refused.status_code == 409
    assert words in text(refused)
    assert words in text(browse(owner).get(of(spam)))
    assert standings() == {("held", "spam")}


@pytest.mark.usefixtures("_allowed")
def test_malware_is_for_administrators(
    browse: Browse, owner: User, administrator: User, spam: Message
) -> None:
    Judgement.objects.update(has_malware=True)
    page = text(browse(owner).get(of(spam)))
    assert "Un logiciel malveillant a été trouvé" in page
    assert "seul un administrateur peut le laisser partir" in page
    assert browse(owner).post(of(spam, "wanted/")).status_code == 409
    assert browse(owner).post(QUEUE + "wanted/", chosen(), follow=True).status_code in {200, 409}
    assert standings() == {("held", "spam")}
    warned = text(browse(administrator).get(of(spam, "wanted/")))
    assert "Ne le laissez partir que si vous êtes certain" in warned
    browse(administrator).post(of(spam, "wanted/"))
    assert standings() == {("waiting", "")}


def test_an_administrator_may_only_let_it_go(
    browse: Browse, administrator: User, account: HostingAccount, spam: Message
) -> None:
    service.report_spam(account.pk, "Plainte", timezone.now())
    client = browse(administrator)
    assert "Laisser partir seulement" in text(client.get(of(spam, "wanted/")))
    told = text(client.post(of(spam, "wanted/"), {"only": "1"}, follow=True))
    assert "2 e-mails sont remis en distribution." in told
    assert standings() == {("waiting", "")}
    spam.refresh_from_db()
    assert spam.is_spam
    assert not AccountRule.objects.filter(overruled__gt=0).exists()
    assert AuditEntry.objects.get(action="release_chosen").details == {"number": 2}


def test_releasing_a_selection_says_that_the_rules_stay(
    browse: Browse, administrator: User, account: HostingAccount, spam: Message
) -> None:
    asked = text(browse(administrator).post(QUEUE + "release/confirm/", chosen()))
    assert "2 ont été jugés indésirables" in asked


def test_an_owner_cannot_release_spam_by_the_other_button(
    browse: Browse, owner: User, account: HostingAccount, spam: Message
) -> None:
    service.block(account.pk, "claire", timezone.now())
    assert browse(owner).post(QUEUE + "release/", chosen()).status_code == 409
    assert standings() == {("held", "spam")}


def test_a_message_tells_what_was_found(browse: Browse, owner: User, spam: Message) -> None:
    Judgement.objects.update(
        findings=[
            {
                "rule": "link_text",
                "score": 4.5,
                "where": "link",
                "details": {"what": HOSTILE, "host": HOSTILE},
            },
            {"rule": HOSTILE, "score": 1, "where": HOSTILE, "details": {"what": HOSTILE}},
        ]
    )
    page = text(browse(owner).get(of(spam)))
    assert "Jugé indésirable : score 5,5 ; le spam commence à 5,0." in page
    assert "Dans un lien" in page
    assert "+4,50" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert HOSTILE not in page


def test_a_message_that_is_fine_says_so(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now)
    message = Message.objects.get()
    assert "Pas encore examiné" in text(browse(owner).get(of(message)))
    Message.objects.update(spam_score=0.4)
    assert "Rien de notable n’a été trouvé : score 0,4." in text(browse(owner).get(of(message)))
    Message.objects.update(spam_score=None)
    pronounce(message, now, [{"rule": "pills", "score": 3.0, "where": "text"}], is_spam=False)
    page = text(browse(owner).get(of(message)))
    assert "Pas jugé indésirable : score 3,0" in page
    assert "Marquer comme souhaité" not in page
    assert browse(owner).get(of(message, "wanted/")).status_code == 404


def test_readers_look_only(browse: Browse, reader: User, spam: Message) -> None:
    page = text(browse(reader).get(of(spam)))
    assert "Ce que le filtrage a trouvé" in page
    assert "Marquer comme souhaité" not in page
    assert browse(reader).post(of(spam, "wanted/")).status_code == 403
    assert browse(reader).post(QUEUE + "wanted/", chosen()).status_code == 403


def test_what_went_already_still_changes_the_rules(
    browse: Browse, administrator: User, submit: Submit, now: datetime
) -> None:
    submit(now)
    message = Message.objects.get()
    pronounce(message, now, is_held=False)
    page = text(browse(administrator).get(of(message, "wanted/")))
    assert "seules les règles changent" in page
    told = text(browse(administrator).post(of(message, "wanted/"), follow=True))
    assert "Le filtrage en tient désormais compte pour cet hébergement." in told
    assert AccountRule.objects.count() == 3


def test_the_page_of_the_account_leads_to_what_was_judged_spam(
    browse: Browse, owner: User, account: HostingAccount, spam: Message
) -> None:
    page = text(browse(owner).get(PAGE))
    assert "2 e-mails ont été jugés indésirables et sont retenus" in page
    assert f'href="{QUEUE}?standing=spam"' in page
    HostingAccount.objects.update(state="spam")
    assert "sont retenus : la file" not in text(browse(owner).get(PAGE))
