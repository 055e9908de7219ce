"""What the page says of a stop: the rule, its figures, samples, the steps that lead out."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone, translation

from mailqueue import queue, scripts, service
from mailqueue.models import HostingAccount, Message
from mailqueue.outcomes import Outcome, Result
from mailqueue.scripts import Seen
from panel.explaining import share
from panel.models import User
from tests.panel.conftest import Browse, Submit

PAGE = "/web/hosting/boutique.example/scripts-emails/"
NBSP = "\N{NO-BREAK SPACE}"
UNKNOWN = Outcome(Result.FAILED, "550 5.1.1 <i>User</i> unknown", "5.1.1", "mx.example.org")
DELIVERED = Outcome(Result.DELIVERED, "250 ok", "2.0.0")

See = Callable[[], str]


@pytest.fixture
def see(browse: Browse, owner: User) -> See:
    def look() -> str:
        text = browse(owner).get(PAGE).content.decode()
        return " ".join(text.replace(NBSP, " ").replace("\N{NARROW NO-BREAK SPACE}", " ").split())

    return look


@pytest.fixture
def deliver(account: HostingAccount, submit: Submit) -> Callable[..., None]:
    def go(*outcomes: Outcome) -> None:
        now = timezone.now()
        for _ in outcomes:
            submit(now, subject="<b>Bon</b>jour", script="1001:send.php")
        claimed = queue.claim_due(now, 1000, timedelta(minutes=1))
        queue.record(list(zip(claimed, outcomes, strict=True)), now)
        service.judge_failures([account.pk], now)

    return go


def test_too_fast_tells_how_fast(account: HostingAccount, submit: Submit, see: See) -> None:
    HostingAccount.objects.update(fast_limit=2)
    for _ in range(3):
        submit(timezone.now())
    service.judge_arrivals([account.pk], timezone.now())
    text = see()
    assert "L’envoi est arrêté : trop d’e-mails émis très rapidement" in text
    assert "3 e-mails ont été remis en 10 minutes ; 2 au maximum sont autorisés." in text
    assert "3 des 3 derniers e-mails viennent du script commande.php." in text
    assert "Exemples de ces e-mails" in text
    assert "captcha" in text
    key = scripts.key_of("commande.php", "", Message.Origin.SOCKET)
    pages = "/web/hosting/boutique.example/scripts/"
    assert f'href="{pages}"' in text
    assert f'href="{pages}{key}/"' not in text
    with transaction.atomic():
        seen = Seen(account.pk, "commande.php", "", Message.Origin.SOCKET, 1)
        scripts.see([seen], timezone.now())
    assert f'href="{pages}{key}/">Voir ce script' in see()


def test_the_ratio_tells_its_share_and_where_the_addresses_are(
    deliver: Callable[..., None], see: See
) -> None:
    HostingAccount.objects.update(bounce_percent=25)
    deliver(*[DELIVERED] * 20, *[UNKNOWN] * 10)
    text = see()
    assert "L’envoi est arrêté : 33,3 % des e-mails reviennent en erreur" in text
    assert "En 24 heures : 10 erreurs pour 30 e-mails ; l’envoi s’arrête à 25 %." in text
    assert f'href="{PAGE}errors/?days=1&amp;category=user_unknown"' in text
    assert "passera en « Force », la part d’erreurs admise sera doublée (50 %)." in text
    assert "repassera en « Activé » sans doubler cette part." in text
    assert "&lt;b&gt;Bon&lt;/b&gt;jour" in text
    assert "<b>Bon" not in text
    assert "&lt;i&gt;User&lt;/i&gt; unknown" in text


def test_too_many_errors_tell_how_many(deliver: Callable[..., None], see: See) -> None:
    HostingAccount.objects.update(error_limit=5)
    deliver(*[UNKNOWN] * 5)
    text = see()
    assert "5 e-mails ont échoué définitivement en une heure" in text
    assert "l’envoi s’arrête à 5." in text


def test_spam_shows_the_three_cases_as_checklists(account: HostingAccount, see: See) -> None:
    HostingAccount.objects.update(state="spam")
    text = see()
    for number in (1, 2, 3):
        assert f"Cas n° {number} :" in text
    assert text.count('type="checkbox"') == 2 + 6 + 15


def test_figures_stay_in_the_history(deliver: Callable[..., None], see: See) -> None:
    HostingAccount.objects.update(error_limit=5)
    deliver(*[UNKNOWN] * 5)
    service.unblock(HostingAccount.objects.get().pk, "claire", timezone.now())
    assert "5 e-mails ont échoué définitivement en une heure" in see()


def test_a_quota_that_is_nearly_used_is_told(
    account: HostingAccount, submit: Submit, see: See
) -> None:
    HostingAccount.objects.update(hourly_quota=5, daily_quota=5)
    assert "autorisés" not in see()
    for _ in range(4):
        submit(timezone.now())
    text = see()
    assert "E-mails envoyés au cours de la dernière heure : 4, sur 5 autorisés." in text
    assert "Au-delà, ils attendent et partent d’eux-mêmes." in text
    assert "/ 5</small>" in text, "the daily quota stands beside the e-mails of today"
    for _ in range(2):
        submit(timezone.now())
    text = see()
    assert "1 e-mail dépasse le quota" in text
    assert "Retenu : au-delà du quota" in text


def test_a_share_of_errors_that_comes_near_is_told(deliver: Callable[..., None], see: See) -> None:
    HostingAccount.objects.update(bounce_percent=25)
    deliver(*[DELIVERED] * 36, *[UNKNOWN] * 9)
    assert "20,0 % des e-mails des dernières 24 heures sont revenus en erreur" in see()


def test_held_mail_that_expires_soon_is_told(
    account: HostingAccount, submit: Submit, see: See
) -> None:
    service.block(account.pk, "claire", timezone.now())
    submit(timezone.now() - timedelta(hours=47))
    assert "commencent à expirer" not in see()
    submit(timezone.now() - timedelta(hours=49))
    service.purge(account.pk, "claire", timezone.now(), stay_blocked=True)
    submit(timezone.now() - timedelta(hours=49))
    assert "commencent à expirer" in see()


def test_force_says_when_it_ends(account: HostingAccount, see: See) -> None:
    HostingAccount.objects.update(state="force", bounce_percent=25)
    assert "Après une semaine sous 25 %, l’état repasse de lui-même en « Activé »." in see()


def test_the_words_of_whoever_reported_spam_are_a_sentence(
    account: HostingAccount, see: See
) -> None:
    service.report_spam(account.pk, "Plainte de Signal Spam", timezone.now())
    assert "Plainte de Signal Spam. Les e-mails que vos scripts" in see()


def test_an_empty_queue_promises_no_e_mail(account: HostingAccount, see: See) -> None:
    service.block(account.pk, "claire", timezone.now())
    text = see()
    assert text.count("File d’attente vide, état « Activé »") == 2
    assert "0 e-mail repart" not in text


@pytest.mark.parametrize(
    ("percent", "told"), [(40, "doublée (80 %)."), (60, "doublée (90 %)."), (0, "sera doublée.")]
)
def test_force_doubles_the_share_up_to_ninety(
    account: HostingAccount, see: See, percent: int, told: str
) -> None:
    HostingAccount.objects.update(state="bounce", bounce_percent=percent)
    assert told in see()


def test_a_share_is_rounded() -> None:
    with translation.override("fr"):
        assert share(14, 21).startswith("66,7")
        assert share(1, 3).startswith("33,3")
