"""The letter « Abus avec votre hébergement … »: what was found, examples, cases, what to do."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from django.test.utils import override_settings

from mailqueue import service
from mailqueue.models import Alert, CaseSample, HostingAccount, SpamCase
from panel import alerts
from panel.models import User
from tests.panel.test_alerts import letters, part, subject
from tests.support import judged

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 11, 5, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
SUBJECT = "Abus avec votre hébergement boutique.example"


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


def stop(account: HostingAccount) -> SpamCase:
    judged.wanton(account, NOON)
    service.report_spam(account.pk, "", NOON)
    return SpamCase.objects.get()


def texts(letter: EmailMessage) -> tuple[str, str]:
    """The plain text, and that of the HTML with its marks, in one line each."""
    html = re.sub(r"</?(?:bdi|b|span)\b[^>]*>", "", part(letter, "html"))
    return " ".join(part(letter, "plain").split()), " ".join(html.split())


def test_it_names_rules_scores_examples_scripts_and_the_three_cases(
    account: HostingAccount, owner: User
) -> None:
    case = stop(account)
    assert alerts.send_due(LATER) == 1
    letter = letters()[owner.email]
    assert subject(letter) == SUBJECT
    for told in texts(letter):
        assert "si leur somme atteint 5,0, l’e-mail est considéré comme du SPAM" in told
        for words in ("Vend des médicaments", "core 6,0, dans 5 des 7 e-mails"):
            assert words in told
        assert "protégez le formulaire par un captcha" in told
        # Three examples, each with its own findings and its script.
        assert told.count("SPAM à partir de 5,0") == 3
        assert "victime0@example.net et 2 autres destinataires" in told
        assert "/var/www/boutique/wp-content/uploads/wp-mailer.php" in told
        assert "Demande des mots de passe ou des données sous un prétexte (dans le texte" in told
        assert "Logiciel malveillant (dans une pièce jointe, score 10,0)" in told
        # The guide's three cases as a checklist, then the way out.
        places = [told.index(f"Cas n° {number}") for number in (1, 2, 3)]
        assert places == sorted(places)
        assert "N’écrivez pas dans la couleur du fond." in told
        assert places[2] < told.index("Cliquez sur « Purger les e-mails »")
        assert f"scripts-emails/cases/{case.pk}/" in told
    plain, html = texts(letter)
    assert "[ ] Mettez à jour le CMS" in plain
    assert "☐" in html
    assert "http://127.0.0.1:8000/web/hosting/boutique.example/scripts-emails/ Vous" in plain


def test_administrators_are_led_to_the_case_and_told_their_part(
    account: HostingAccount, owner: User, administrator: User
) -> None:
    case = stop(account)
    alerts.send_due(LATER)
    address = f"http://127.0.0.1:8000/web/hosting/boutique.example/scripts-emails/cases/{case.pk}/"
    for told in texts(letters()[administrator.email]):
        assert "Vend des médicaments" in told
        assert "Cas n° 2" in told
        assert "Aucun examen n’est requis" in told
        assert "Cliquez sur « Purger les e-mails »" not in told
        assert told.rindex(address) > told.index("Cas n° 3")
    assert "Ouvrir le dossier" in texts(letters()[administrator.email])[1]


def test_where_a_review_is_required_it_can_be_answered(
    account: HostingAccount, owner: User, administrator: User
) -> None:
    judged.wanton(account, NOON)
    for _ in range(2):
        service.report_spam(account.pk, "", NOON)
        service.lift(account.pk, "admin", NOON)
    Alert.objects.all().delete()
    with override_settings(
        BOUNCE_DOMAIN="bounce.hoster.example", BOUNCE_LISTEN=[("127.0.0.1", 25)]
    ):
        service.report_spam(account.pk, "", NOON)
        alerts.send_due(LATER)
    letter = letters()[owner.email]
    assert "@bounce.hoster.example" in letter["Reply-To"]
    assert letter["Reply-To"].startswith("c+")
    for told in texts(letter):
        assert "Vous pouvez aussi répondre à cet e-mail" in told
        assert "seul un administrateur peut rétablir l’envoi" in told
    for told in texts(letters()[administrator.email]):
        assert "refusez avec un mot d’explication" in told


def test_what_the_owner_states_leads_administrators_to_the_case(
    account: HostingAccount, owner: User, administrator: User
) -> None:
    case = stop(account)
    Alert.objects.all().delete()
    HostingAccount.objects.update(review_required=True)
    service.state_review(account.pk, "claire", "Fait.", NOON)
    alerts.send_due(LATER)
    for told in texts(letters()[administrator.email]):
        assert f"scripts-emails/cases/{case.pk}/" in told
    assert owner.email not in letters()


def test_it_reads_in_english(account: HostingAccount, owner: User) -> None:
    HostingAccount.objects.update(language="en")
    stop(account)
    alerts.send_due(LATER)
    letter = letters()[owner.email]
    assert subject(letter) == "Abuse with your hosting boutique.example"
    for told in texts(letter):
        assert "Sells drugs" in told
        assert "core 6.0, in 5 of 7 e-mails" in told
        assert "Asks for passwords or data under a pretext (in the text, score 4.4)" in told
        assert "Case 3: the e-mails are yours" in told


def test_a_single_e_mail_is_told_as_one(account: HostingAccount, owner: User) -> None:
    judged.send(account, judged.letter("first-disguised"), NOON)
    judged.judge(account, NOON)
    service.report_spam(account.pk, "", NOON)
    alerts.send_due(LATER)
    for told in texts(letters()[owner.email]):
        assert "core 10,0, dans l’e-mail examiné" in told


def test_where_screening_found_nothing_it_says_so(account: HostingAccount, owner: User) -> None:
    judged.send(account, b"Subject: Bonjour\r\n\r\nx\r\n", NOON, subject="Bonjour")
    service.report_spam(account.pk, "", NOON)
    alerts.send_due(LATER)
    for told in texts(letters()[owner.email]):
        assert "L’analyse n’a rien trouvé dans ces e-mails." in told
        assert "Bonjour" in told
        assert "si leur somme atteint" not in told


def test_what_was_erased_before_it_went_is_not_told(account: HostingAccount, owner: User) -> None:
    stop(account)
    service.forget(account.pk, "victime2@example.net")
    alerts.send_due(LATER)
    for told in texts(letters()[owner.email]):
        assert "victime" not in told
        assert "(adresse effacée)" in told
        assert "Demande des mots de passe" in told


def test_hostile_words_stay_words(account: HostingAccount, owner: User) -> None:
    case = stop(account)
    evil = (
        "<script>alert(1)</script>\r\nBcc: victim@example.org\r\n\r\n\x1b[2J\u202eabc\x07%s{{ x }}"
    )
    found = {"rule": evil[:40], "score": 9.0, "where": evil, "details": {"what": evil}}
    known = {"rule": "pills", "score": 8.0, "where": "text", "details": {"what": evil * 20}}
    case.rules = [{**rule, "number": 5} for rule in (found, known)]
    case.save()
    CaseSample.objects.update(
        subject=evil, script=evil, folder=evil, address=evil, findings=[found, known]
    )
    alerts.send_due(LATER)
    letter = letters()[owner.email]
    assert letter["Bcc"] is None
    html, plain = part(letter, "html"), part(letter, "plain")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    for written in (html, plain):
        assert not {"\x1b", "\u202e", "\x07"} & set(written)
        assert "\nBcc" not in written
        assert "%s{{ x }}" in written
