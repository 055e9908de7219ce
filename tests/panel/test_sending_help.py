"""« Mes e-mails ne partent pas »: the four checks, each with what was seen."""

import re
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from mailqueue import service
from mailqueue.models import AccountTotals, HostingAccount, LastRefusal, Message, Recipient
from panel.models import User
from tests.panel.conftest import Browse, Submit

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/help/"
MARK = re.compile(r'id="check-(\w+)">.*?class="badge mark-(\w+)"', re.DOTALL)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def text(browse: Browse, user: User) -> str:
    page = browse(user).get(PAGE).content.decode()
    return page.replace("\N{NO-BREAK SPACE}", " ")


def marks(page: str) -> dict[str, str]:
    return dict(MARK.findall(page))


def test_it_walks_through_the_guides_checks(browse: Browse, reader: User) -> None:
    page = text(browse, reader)
    titles = re.findall(r"<h3>(.*?)</h3>", page)
    assert titles == [
        "Vérifier les scripts réalisant les envois",
        "Tester l’envoi d’un e-mail via un script de test",
        "Assurez-vous que vos envois n’utilisent pas de serveur SMTP",
        "Vérifiez la taille totale de votre e-mail",
    ]
    for words in (
        "The email has been sent successfully!",
        "contact@boutique.example",
        f"sendmail_path = &quot;{settings.SENDMAIL} -t -i&quot;".replace("&quot;", '"'),
        "10 Mo",
        "7 à 8 Mo",
        "captcha",
    ):
        assert words in page


def test_of_a_new_account_it_knows_little(browse: Browse, owner: User) -> None:
    assert marks(text(browse, owner)) == {
        "script": "look",
        "test": "unknown",
        "smtp": "look",
        "size": "unknown",
    }


def test_what_works_is_marked_as_fine(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now - timedelta(minutes=5), subject="Test mail PHP")
    Recipient.objects.update(status="sent", ended_at=now, next_attempt_at=None)
    AccountTotals.objects.update(sent=1, largest_bytes=3 * 1024**2)
    page = text(browse, owner)
    assert set(marks(page).values()) == {"fine"}
    assert "commande.php" in page
    assert "a été livré" in page
    assert "3,0 Mo" in page
    # Of what has just come in its own size is known too.
    AccountTotals.objects.update(largest_bytes=0)
    Message.objects.update(size_bytes=5 * 1024**2)
    assert "5,0 Mo" in text(browse, owner)


def test_an_old_call_proves_nothing(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now - timedelta(days=3))
    found = marks(text(browse, owner))
    assert (found["script"], found["smtp"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("failed", "refusé par l’autre serveur"),
        ("waiting", "encore dans la file"),
        ("purged", "n’a pas été envoyé"),
    ],
)
def test_a_test_that_did_not_arrive_is_to_be_looked_at(
    browse: Browse, owner: User, submit: Submit, now: datetime, status: str, words: str
) -> None:
    submit(now, subject="Test mail PHP")
    if status != "waiting":
        Recipient.objects.update(status=status, ended_at=now, next_attempt_at=None)
        AccountTotals.objects.update(**{status: 1})
    page = text(browse, owner)
    assert marks(page)["test"] == "look"
    assert words in page


@pytest.mark.parametrize(
    ("code", "words"), [(64, "aucun destinataire"), (67, "aucun hébergement"), (99, "refusé")]
)
def test_a_refusal_after_the_last_call_is_told(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    submit: Submit,
    now: datetime,
    code: int,
    words: str,
) -> None:
    submit(now - timedelta(hours=1))
    refusal = LastRefusal.objects.create(
        account=account, refused_at=now, exit_code=code, text="<b>no</b>"
    )
    page = text(browse, owner)
    assert marks(page)["script"] == "look"
    assert words in page
    assert f"code de sortie {code}" in page
    assert "&lt;b&gt;no" in page
    # What was taken since counts more.
    refusal.refused_at = now - timedelta(hours=2)
    refusal.save()
    assert marks(text(browse, owner))["script"] == "fine"


def test_size_is_to_be_looked_at_when_it_was_refused_or_nearly_is(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    AccountTotals.objects.update(largest_bytes=settings.MESSAGE_SIZE_LIMIT - 1)
    assert marks(text(browse, owner))["size"] == "look"
    AccountTotals.objects.update(largest_bytes=1)
    assert marks(text(browse, owner))["size"] == "fine"
    LastRefusal.objects.create(
        account=account,
        refused_at=now,
        exit_code=65,
        text=f"the message is larger than {settings.MESSAGE_SIZE_LIMIT} bytes",
    )
    assert marks(text(browse, owner))["size"] == "look"


def test_a_stop_is_told_first_and_leads_back(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    assert "L’état du service permet les envois." in text(browse, owner)
    service.block(account.pk, "claire", now)
    page = text(browse, owner)
    assert page.index("L’envoi est bloqué") < page.index("check-script")
    assert 'href="/web/hosting/boutique.example/scripts-emails/">Voir quoi faire' in page


def test_a_hostile_script_name_is_text(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now, script="<script>alert(1)</script>")
    page = text(browse, owner)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert Message.objects.count() == 1
