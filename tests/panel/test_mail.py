"""The panel's own letters: they enter our queue, under an account that nothing blocks."""

from datetime import UTC, datetime

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from mailqueue import accounts, ledger, queue, service
from mailqueue.errors import InvalidSubmission
from mailqueue.models import HostingAccount, Message, Recipient
from panel.mail import QueueBackend

pytestmark = pytest.mark.django_db(transaction=True)


def letter(*recipients: str, subject: str = "Rapport d’erreurs") -> EmailMultiAlternatives:
    written = EmailMultiAlternatives(
        subject, "Voilà.\nFin.", "Facteur <facteur@panel.example>", list(recipients)
    )
    written.attach_alternative("<p>Voilà.</p>", "text/html")
    return written


def test_a_letter_waits_in_the_queue_under_the_system_account() -> None:
    assert QueueBackend().send_messages([letter("Claire <claire@boutique.example>")]) == 1
    row = Recipient.objects.select_related("account", "message").get()
    assert (row.address, row.status) == ("claire@boutique.example", "waiting")
    assert row.account.is_system
    assert (row.message.sender, row.message.origin) == ("", Message.Origin.PANEL)
    content = queue.content_of(row.message_id)
    assert content is not None
    assert b"Auto-Submitted: auto-generated\r\n" in content
    assert b"To: Claire <claire@boutique.example>\r\n" in content
    assert not content.replace(b"\r\n", b"").count(b"\n")
    assert all(line.is_balanced for line in ledger.check())


def test_no_state_holds_a_letter() -> None:
    account = accounts.system(datetime.now(UTC))
    service.block(account.pk, "admin", datetime.now(UTC))
    QueueBackend().send_messages([letter("a@b.example")])
    assert Recipient.objects.get().status == "waiting"


def test_there_is_one_system_account() -> None:
    QueueBackend().send_messages([letter("a@b.example"), letter("c@d.example")])
    QueueBackend().send_messages([letter("a@b.example")])
    assert HostingAccount.objects.filter(is_system=True).count() == 1


def test_a_letter_to_nobody_is_no_letter() -> None:
    assert QueueBackend().send_messages([letter()]) == 0
    assert not Message.objects.exists()


def test_an_address_that_cannot_be_sent_is_said_and_takes_nothing() -> None:
    with pytest.raises(InvalidSubmission):
        QueueBackend().send_messages([letter("fine@b.example"), letter("nobody")])
    assert not Message.objects.exists()
    assert QueueBackend(fail_silently=True).send_messages([letter("nobody")]) == 0


def test_django_sends_by_it() -> None:
    with mail.get_connection("panel.mail.QueueBackend") as connection:
        assert isinstance(connection, QueueBackend)
