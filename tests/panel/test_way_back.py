"""What came back is told on the pages: in error, with its words; what was not sent, and why."""

from datetime import timedelta

from django.utils import timezone

from mailqueue import suppressions
from mailqueue.models import AccountTotals, HostingAccount, Message, Recipient
from panel.models import User
from tests.panel.conftest import Browse, Submit

PAGE = "/web/hosting/boutique.example/scripts-emails/"


def test_a_message_that_came_back_says_so(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    now = timezone.now()
    submit(now, recipients=("ana@example.org",))
    Recipient.objects.update(
        status="sent",
        next_attempt_at=None,
        ended_at=now - timedelta(hours=1),
        returned_at=now,
        complained_at=now,
        category="user_unknown",
        reply="550 5.1.1 User unknown",
    )
    client = browse(owner)
    queue_id = Message.objects.get().queue_id
    message = client.get(f"{PAGE}messages/{queue_id}/").content.decode()
    assert "Revenu <time" in message
    assert "Signalé comme SPAM <time" in message
    errors = client.get(f"{PAGE}errors/").content.decode()
    assert "Revenu après l’envoi." in errors
    assert "550 5.1.1 User unknown" in errors


def test_what_was_not_sent_is_counted_and_leads_to_the_list(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    client = browse(owner)
    assert "Non envoyés" not in client.get(PAGE).content.decode()
    suppressions.add(account.pk, ["ana@example.org"], "moi", timezone.now())
    submit(timezone.now(), recipients=("ana@example.org",))
    AccountTotals.objects.update(complaints=3)
    html = client.get(PAGE).content.decode()
    assert "Non envoyés" in html
    assert "exclusions/" in html
    assert "E-mails signalés comme SPAM" in html
    queue_id = Message.objects.get().queue_id
    message = client.get(f"{PAGE}messages/{queue_id}/").content.decode()
    assert "L’adresse est exclue." in message
    assert "exclusions/?q=ana%40example.org" in message
    assert "ana@example.org" not in client.get(f"{PAGE}errors/").content.decode()
