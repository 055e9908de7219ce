"""The pages of a closed account: an administrator is told why nothing can be let go."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailqueue import accounts
from mailqueue.models import HostingAccount
from panel.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(account: HostingAccount) -> HostingAccount:
    accounts.close(account.pk, "admin", timezone.now())
    return account


def test_unblocking_is_refused_and_said(
    client: Client, closed: HostingAccount, administrator: User
) -> None:
    client.force_login(administrator)
    address = reverse("scripts_emails_act", args=[closed.service_name, "unblock"])
    answer = client.post(address)
    assert answer.status_code == 409
    assert "L’hébergement est fermé" in answer.content.decode()
    assert HostingAccount.objects.get().state == "ko"


def test_a_purge_is_announced_to_leave_it_stopped(
    client: Client, closed: HostingAccount, administrator: User
) -> None:
    client.force_login(administrator)
    address = reverse("scripts_emails_confirm", args=[closed.service_name, "purge"])
    assert "l’envoi restera arrêté" in client.get(address).content.decode()
