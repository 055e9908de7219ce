"""Alerts by e-mail: to whom, in which language, once; and nothing hostile in them."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connection
from django.test.utils import override_settings

from mailqueue import accounts, engines, ledger, queue, return_path, service
from mailqueue import alerts as ledger_alerts
from mailqueue.alerts import raise_once
from mailqueue.engines import Known
from mailqueue.models import Alert, HostingAccount, Message, Recipient, Review, StateChange
from mailqueue.return_tokens import Purpose
from panel import alerts
from panel.models import Membership, User

pytestmark = pytest.mark.django_db(transaction=True)

Kind = Alert.Kind
NOON = datetime(2026, 3, 2, 11, 5, tzinfo=UTC)  # 12:05 in Paris
LATER = NOON + timedelta(minutes=3)
Raise = Callable[..., Alert]


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


@pytest.fixture
def tell(account: HostingAccount) -> Raise:
    """Raises an alert of the first account."""

    def make(kind: Kind, key: str = "1", **figures: object) -> Alert:
        assert ledger_alerts.raise_once(account.pk, kind, key, NOON, figures)
        return Alert.objects.get(kind=kind, key=key)

    return make


def letters() -> dict[str, EmailMessage]:
    """The panel's letters in the queue, by address."""
    found = {}
    for row in Recipient.objects.filter(account__is_system=True).order_by("pk"):
        content = queue.content_of(row.message_id)
        assert content is not None
        parsed = message_from_bytes(content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        assert row.address not in found, "told twice"
        found[row.address] = parsed
    return found


def part(letter: EmailMessage, kind: str) -> str:
    """The plain text or the HTML of a letter, with ordinary blanks."""
    found = letter.get_body(preferencelist=(kind,))
    assert found is not None
    text: str = found.get_content().replace("\r\n", "\n")
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def subject(letter: EmailMessage) -> str:
    # The parser keeps the blank of a header that begins on its second line.
    return str(letter["Subject"]).replace("\N{NO-BREAK SPACE}", " ").strip()


def test_a_block_is_told_to_owners_and_administrators(
    tell: Raise, account: HostingAccount, owner: User, reader: User, administrator: User
) -> None:
    change = StateChange.objects.create(
        account=account,
        changed_at=NOON,
        event="too_fast",
        from_state="ok",
        to_state="ko",
        actor="too_fast",
    )
    tell(
        Kind.BLOCKED,
        event="too_fast",
        change=change.pk,
        number=1234,
        limit=600,
        minutes=10,
        script="1001:contact.php",
        script_number=400,
        looked_at=500,
        samples=[{"subject": "Bonjour", "address": "zoe@example.org", "script": "contact.php"}],
        review=False,
    )
    assert alerts.send_due(LATER) == 2
    assert letters().keys() == {owner.email, administrator.email}
    letter = letters()[owner.email]
    assert subject(letter) == (
        "boutique.example : l’envoi est arrêté, trop d’e-mails émis très rapidement"
    )
    for kind in ("plain", "html"):
        text = part(letter, kind)
        assert "aujourd’hui à 12:05" in text
        assert "« Désactivé »" in text
        assert "1 234 e-mails ont été remis en 10 minutes ; 600 au maximum" in text
        assert "400 des 500 derniers e-mails" in text
        assert "1001:contact.php" in text
        assert "zoe@example.org" in text
        assert "« Débloquer l’envoi »" in text
        assert "http://127.0.0.1:8000/web/hosting/boutique.example/scripts-emails/" in text
        assert "vous gérez l’hébergement boutique.example" in text
    assert "vous administrez" in part(letters()[administrator.email], "plain")


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (
            {"event": "too_many_errors", "number": 104, "limit": 100, "minutes": 60},
            ["104 e-mails ont échoué définitivement en une heure", "« Désactivé »"],
        ),
        (
            {"event": "ratio_exceeded", "number": 30, "sent": 100, "limit": 25, "hours": 24},
            [
                "30 erreurs pour 100 e-mails",
                "« Bounce »",
                "passe en « Force »",
                "« Purger les e-mails »",
            ],
        ),
        (
            {"event": "spam_detected", "number": 5},
            ["5 e-mails de vos scripts ont été considérés comme du SPAM", "« SPAM »", "captcha"],
        ),
        # Figures that are missing cost a sentence, not the letter.
        ({"event": "ratio_exceeded"}, ["« Bounce »"]),
        ({}, ["L’envoi a été arrêté automatiquement"]),
        ({"event": 7, "number": "x", "samples": "x", "change": "x"}, ["automatiquement"]),
        # After too many blocks an owner states what was done; there is no way to unblock.
        (
            {"event": "too_fast", "number": 7, "limit": 6, "minutes": 10, "review": True},
            ["seul un administrateur peut rétablir l’envoi"],
        ),
    ],
)
def test_each_block_says_why_and_what_to_do(
    tell: Raise, owner: User, figures: dict[str, object], words: list[str]
) -> None:
    tell(Kind.BLOCKED, **figures)
    assert alerts.send_due(LATER) == 1
    letter = letters()[owner.email]
    for kind in ("plain", "html"):
        for word in words:
            assert word in part(letter, kind)
    if figures.get("review"):
        assert "Cliquez sur « Débloquer l’envoi »" not in part(letter, "plain")


def test_a_stop_by_the_ledger_is_told_with_its_reason(account: HostingAccount, owner: User) -> None:
    service.report_spam(account.pk, "Plainte de <b>abuse@example.org</b>.", NOON)
    assert alerts.send_due(LATER) == 1
    letter = letters()[owner.email]
    assert subject(letter).startswith("Abus avec votre hébergement")
    assert "Plainte de <b>abuse@example.org</b>." in part(letter, "plain")
    assert "<b>abuse" not in part(letter, "html")
    assert "« SPAM »" in part(letter, "plain")


def test_a_spam_block_has_the_subject_of_the_guide(tell: Raise, owner: User) -> None:
    tell(Kind.BLOCKED, event="spam_detected", number=5)
    alerts.send_due(LATER)
    assert subject(letters()[owner.email]) == "Abus avec votre hébergement boutique.example"


@pytest.mark.parametrize(
    ("kind", "words"), [(Kind.HOURLY_QUOTA, "quota horaire"), (Kind.DAILY_QUOTA, "quota quotidien")]
)
def test_a_quota_that_is_nearly_used_is_told_to_owners_only(
    tell: Raise, owner: User, administrator: User, kind: Kind, words: str
) -> None:
    tell(kind, used=1605, limit=2000)
    assert alerts.send_due(LATER) == 1
    letter = letters()[owner.email]
    assert subject(letter) == f"boutique.example : 80 % du {words} sont utilisés"
    text = part(letter, "plain")
    assert "1 605 e-mails sur les 2 000 autorisés" in text
    assert "Rien n’est bloqué" in text


def test_mail_that_expires_soon_is_told_with_its_time(
    tell: Raise, account: HostingAccount, owner: User
) -> None:
    HostingAccount.objects.update(state="bounce")
    until = NOON + timedelta(hours=20)
    tell(Kind.EXPIRING, "1", number=1, until=until.isoformat(), is_more=False)
    alerts.send_due(LATER)
    text = part(letters()[owner.email], "plain")
    assert "1 e-mail retenu dans la file d’attente est sur le point d’expirer" in text
    assert "le 3 mars 2026 à 08:05" in text
    assert "« Bounce »" in text
    Message.objects.all().delete()
    tell(Kind.EXPIRING, "2", number=1000, until=until.isoformat(), is_more=True)
    alerts.send_due(LATER)
    assert "Plus de 1 000 e-mails" in part(letters()[owner.email], "plain")


def test_a_statement_goes_to_administrators_and_its_answer_to_owners(
    tell: Raise, account: HostingAccount, owner: User, administrator: User
) -> None:
    review = Review.objects.create(
        account=account,
        stated_at=NOON,
        author="claire",
        statement="Captcha posé.\nPlugins <b>à jour</b>.",
    )
    tell(Kind.STATED, review=review.pk)
    assert alerts.send_due(LATER) == 1
    letter = letters()[administrator.email]
    assert "> Captcha posé.\n> Plugins <b>à jour</b>." in part(letter, "plain")
    assert "<b>à jour" not in part(letter, "html")
    Message.objects.all().delete()
    Review.objects.update(answered_at=LATER, is_lifted=True, answer="Merci.")
    tell(Kind.ANSWERED, "1", review=review.pk)
    assert alerts.send_due(LATER) == 1
    assert "blocage est levé" in subject(letters()[owner.email])
    assert "> Merci." in part(letters()[owner.email], "plain")
    Message.objects.all().delete()
    Review.objects.update(is_lifted=False)
    tell(Kind.ANSWERED, "2", review=review.pk)
    alerts.send_due(LATER)
    assert "n’est pas levé" in subject(letters()[owner.email])


def test_everybody_reads_his_own_language_and_each_address_gets_one_letter(
    tell: Raise, account: HostingAccount, owner: User, administrator: User
) -> None:
    User.objects.filter(pk=administrator.pk).update(language="en")
    HostingAccount.objects.update(language="en")
    twin = User.objects.create_user("twin", "CLAIRE@boutique.example", "x", is_staff=True)
    french = User.objects.create_user("luc", "luc@boutique.example", "x", language="fr")
    for user in (twin, french):
        Membership.objects.create(user=user, account=account)
    tell(Kind.BLOCKED, event="spam_detected")
    assert alerts.send_due(LATER) == 3
    found = letters()
    assert found.keys() == {owner.email, french.email, administrator.email}
    assert subject(found[owner.email]) == "Abuse with your hosting boutique.example"
    assert subject(found[french.email]) == "Abus avec votre hébergement boutique.example"
    assert subject(found[administrator.email]) == "Abuse with your hosting boutique.example"


def test_the_report_address_stands_in_for_owners_that_are_missing(
    tell: Raise, owner: User, reader: User
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    tell(Kind.HOURLY_QUOTA, used=160, limit=200)
    assert alerts.send_due(LATER) == 1
    assert letters().keys() == {"contact@boutique.example"}


def test_an_alert_that_nobody_can_read_is_told_to_nobody(tell: Raise, account: object) -> None:
    HostingAccount.objects.update(report_to="")
    alert = tell(Kind.HOURLY_QUOTA, used=160, limit=200)
    assert alerts.send_due(LATER) == 0
    alert.refresh_from_db()
    assert alert.handled_at == LATER


def test_an_address_that_is_none_keeps_it_from_nobody(
    tell: Raise, owner: User, administrator: User
) -> None:
    User.objects.filter(pk=administrator.pk).update(email="nobody\r\nBcc: victim@example.org")
    tell(Kind.BLOCKED, event="too_fast")
    assert alerts.send_due(LATER) == 1
    assert letters().keys() == {owner.email}


def test_hostile_words_stay_words(tell: Raise, owner: User) -> None:
    evil = "<script>alert(1)</script>\r\nBcc: victim@example.org\r\n\r\n\x1b[2J\u202eabc\x07"
    tell(
        Kind.BLOCKED,
        event="spam_detected",
        number=5,
        script=evil,
        samples=[
            {"subject": evil * 50, "address": evil, "script": evil, "reply": evil},
            *({"subject": f"n° {number}"} for number in range(20)),
        ],
    )
    alerts.send_due(LATER)
    letter = letters()[owner.email]
    assert letter["Bcc"] is None
    assert not {"\n", "\r"} & set(str(letter["Subject"]))
    html, text = part(letter, "html"), part(letter, "plain")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    for written in (html, text):
        assert not {"\x1b", "\u202e", "\x07"} & set(written)
        assert "\nBcc" not in written
        assert "n° 3" in written
        assert "n° 4" not in written
        assert max(len(line) for line in written.splitlines()) < 1000


def test_it_is_told_once_by_two_tasks_at_once(tell: Raise, owner: User) -> None:
    for number in range(5):
        tell(Kind.HOURLY_QUOTA, str(number), used=160, limit=200)
    gate = threading.Barrier(3)
    sent: list[int] = []

    def work() -> None:
        try:
            gate.wait(timeout=10)
            sent.append(alerts.send_due(LATER))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(sent) == 3
    assert sum(sent) == 5
    assert Recipient.objects.count() == 5
    assert alerts.send_due(LATER) == 0


def test_one_that_fails_holds_up_nobody_and_is_told_later(
    tell: Raise, account: HostingAccount, other: HostingAccount, owner: User, outsider: User
) -> None:
    tell(Kind.HOURLY_QUOTA, used=160, limit=200)
    ledger_alerts.raise_once(other.pk, Kind.HOURLY_QUOTA, "1", NOON, {"used": 9, "limit": 10})
    HostingAccount.objects.filter(pk=account.pk).update(time_zone="Nowhere/Atall")
    assert alerts.send_due(LATER) == 1
    assert letters().keys() == {outsider.email}
    HostingAccount.objects.filter(pk=account.pk).update(time_zone="Europe/Paris")
    assert alerts.send_due(LATER) == 1
    assert letters().keys() == {outsider.email, owner.email}


def test_a_letter_counts_against_nobody_and_cannot_loop(
    tell: Raise, account: HostingAccount, owner: User
) -> None:
    HostingAccount.objects.update(state="spam")
    tell(Kind.BLOCKED, event="spam_detected")
    alerts.send_due(LATER)
    row = Recipient.objects.select_related("account", "message").get()
    assert (row.status, row.message.sender, row.account.is_system) == ("waiting", "", True)
    account.refresh_from_db()
    assert account.totals.accepted == 0
    assert letters()[owner.email]["Auto-Submitted"] == "auto-generated"
    assert all(line.is_balanced for line in ledger.check())


def test_many_alerts_are_all_told(tell: Raise, owner: User) -> None:
    for number in range(130):
        tell(Kind.HOURLY_QUOTA, str(number), used=160, limit=200)
    assert alerts.send_due(LATER) == 130


@pytest.mark.parametrize(
    ("kind", "words"), [(Kind.HOURLY_QUOTA, "quota horaire"), (Kind.DAILY_QUOTA, "quota quotidien")]
)
def test_a_quota_that_is_used_up_is_told_without_a_share(
    tell: Raise, owner: User, kind: Kind, words: str
) -> None:
    tell(kind, used=45, limit=10)
    assert alerts.send_due(LATER) == 1
    assert subject(letters()[owner.email]) == f"boutique.example : le {words} est atteint"


def test_an_owner_may_answer_a_letter_about_a_stop_that_needs_a_review(
    tell: Raise, account: HostingAccount, owner: User, administrator: User, settings: Any
) -> None:
    settings.BOUNCE_DOMAIN = "back.example"
    settings.BOUNCE_LISTEN = [("127.0.0.1", 25, False)]
    tell(Kind.BLOCKED, event="spam_detected", change=7, review=True, complaints=5, sent=900)
    alerts.send_due(LATER)
    letter = letters()[owner.email]
    token = return_path.whose(str(letter["Reply-To"]), LATER)
    assert token is not None
    assert (token.purpose, token.number) == (Purpose.CASE, 7)
    assert "répondre à cet e-mail" in part(letter, "plain")
    assert "5 destinataires ont signalé" in part(letter, "plain")
    assert letters()[administrator.email]["Reply-To"] is None


def test_administrators_are_told_who_refuses_this_server(
    account: HostingAccount, owner: User, administrator: User
) -> None:
    system = accounts.system(NOON)
    figures = {
        "destination": "Gmail",
        "accounts": 14,
        "number": 1200,
        "since": NOON.isoformat(),
        "category": "reputation_block",
        "words": "550 5.7.1 very low reputation of the sending IP",
        "names": ["boutique.example"],
    }
    raise_once(system.pk, Kind.REFUSED, "20260302 Gmail", NOON, figures)
    alerts.send_due(LATER)
    assert letters().keys() == {administrator.email}
    letter = letters()[administrator.email]
    assert subject(letter) == "Gmail refuse les e-mails de ce serveur"
    for kind in ("plain", "html"):
        text = part(letter, kind)
        assert "14 hébergements" in text
        assert "1 200 refus" in text
        assert "very low reputation" in text
        assert "boutique.example" in text
        assert "/dashboard/" in text
        assert "facteur.internal" not in text


def test_administrators_are_told_that_the_rules_of_the_house_fail(
    account: HostingAccount, administrator: User
) -> None:
    system = accounts.system(NOON)
    known = Known(False, NOON, NOON + timedelta(minutes=20), words="screening=broken", missed=3)
    engines.keep("web1", {"rules": known})
    assert engines.tell(system.pk, NOON + timedelta(minutes=20)) == 1
    alerts.send_due(LATER)
    letter = letters()[administrator.email]
    assert subject(letter) == "L’analyse des e-mails est en panne"
    for kind in ("plain", "html"):
        text = part(letter, kind)
        assert "3 e-mails sont partis sans avoir été examinés" in text
        assert "screening=broken" in text
        assert "FACTEUR_CLAMD" not in text


def test_administrators_are_told_which_engine_has_been_away_for_long(
    account: HostingAccount, owner: User, administrator: User
) -> None:
    figures = {
        "engine": "ClamAV",
        "since": NOON.isoformat(),
        "words": "No such file or directory",
        "missed": 1200,
    }
    raise_once(accounts.system(NOON).pk, Kind.ENGINE, "clamav 1", NOON, figures)
    alerts.send_due(LATER)
    assert letters().keys() == {administrator.email}
    letter = letters()[administrator.email]
    assert subject(letter) == "ClamAV ne répond pas"
    for kind in ("plain", "html"):
        text = part(letter, kind)
        assert "ClamAV a cessé de répondre" in text
        assert "1 200 e-mails sont partis" in text
        assert "No such file or directory" in text
        assert "/dashboard/" in text
