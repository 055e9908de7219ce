"""The pages « Scripts »: what each sends, and the blocking of one of them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from mailqueue import scripts
from mailqueue.models import (
    HostingAccount,
    Message,
    Recipient,
    Script,
    ScriptJob,
)
from mailqueue.scripts import Seen
from panel.models import AuditEntry, User
from tests.panel.conftest import Browse, Submit

pytestmark = pytest.mark.django_db

BASE = "/web/hosting/boutique.example/scripts/"
FOLDER = "/home/boutique/www"
KEY = scripts.key_of("commande.php", FOLDER, Message.Origin.SOCKET)
PAGE = f"{BASE}{KEY}/"
HOSTILE = "<script>alert(1)</script>\u202egnp.%s'\"&amp;.php"

See = Callable[..., None]


@pytest.fixture
def see(account: HostingAccount) -> See:
    """Counts something of a script, some days ago."""

    def count(name: str = "commande.php", back: int = 0, **numbers: int) -> None:
        one = Seen(account.pk, name, FOLDER, Message.Origin.SOCKET, **numbers)
        with transaction.atomic():
            scripts.see([one], timezone.now() - timedelta(days=back))

    return count


def text(client: Client, address: str = BASE) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_tells_what_each_script_sent_in_30_days(browse: Browse, owner: User, see: See) -> None:
    see(handed=200, failed=8, spam=6)
    see(back=3, handed=1000)
    see("news.php", back=40, handed=5000)
    see("news.php", back=29, handed=2)
    shown = text(browse(owner))
    assert "1 200" in shown
    assert "0,7 %" in shown
    assert "0,5 %" in shown
    assert "5 000" not in shown
    assert shown.index("commande.php") < shown.index("news.php")
    assert shown.count("days-sent") == 3
    assert "un indice, pas une preuve" in shown


def test_blocked_ones_come_first_and_are_named_so(browse: Browse, reader: User, see: See) -> None:
    see(handed=200)
    see("quiet.php", handed=1)
    Script.objects.filter(name="quiet.php").update(blocked_at=timezone.now(), blocked_by="claire")
    shown = text(browse(reader))
    assert shown.index("quiet.php") < shown.index("commande.php")
    assert shown.count("state-ko") == 1
    assert "1 script est bloqué" in shown


def test_an_account_whose_scripts_are_silent_is_told_so(browse: Browse, owner: User) -> None:
    assert "Aucun script n’a encore envoyé d’e-mail" in text(browse(owner))


def test_the_rest_has_a_row_and_no_page(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    Script.objects.create(account=account, key="", first_seen_at=now, last_seen_at=now)
    shown = text(browse(owner))
    assert "Tous les autres scripts" in shown
    assert f'href="{BASE}/"' not in shown
    assert browse(owner).get(f"{BASE}{scripts.REST}/").status_code == 404


def test_hostile_names_are_text(
    browse: Browse, owner: User, account: HostingAccount, see: See, submit: Submit
) -> None:
    see(HOSTILE, handed=1)
    submit(timezone.now(), script=HOSTILE, folder=FOLDER)
    page = f"{BASE}{scripts.key_of(HOSTILE, FOLDER, Message.Origin.SOCKET)}/"
    for address in (BASE, page, page + "block/confirm/"):
        shown = text(browse(owner), address)
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert(1)" in shown
        # What turns the direction of text is seen for what it is.
        assert "\u202e" not in shown
        assert "<bdi" in shown


def test_its_page_tells_its_days_and_its_last_e_mails(
    browse: Browse, owner: User, see: See, submit: Submit
) -> None:
    see(handed=20, failed=2, spam=1)
    see(back=29, handed=7)
    see(back=30, handed=900)
    now = timezone.now()
    submit(now, folder=FOLDER, subject="La sienne")
    submit(now, folder="/elsewhere", subject="Une autre")
    shown = text(browse(owner), PAGE)
    assert "La sienne" in shown
    assert "Une autre" not in shown
    assert shown.count('<tr><th scope="row"><time') == 30
    assert '<data value="17">' in shown
    assert "900" not in shown
    queue_id = Message.objects.get(subject="La sienne").queue_id
    assert f"/messages/{queue_id}/" in shown


def test_a_script_without_a_name_is_known_by_its_way_in(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    with transaction.atomic():
        scripts.see([Seen(account.pk, "", "", Message.Origin.SUBMISSION, 1)], timezone.now())
    shown = text(browse(owner))
    assert "(sans nom)" in shown
    assert "script SMTP" in shown


def test_blocking_takes_two_steps_and_is_noted(
    browse: Browse, owner: User, see: See, submit: Submit
) -> None:
    see(handed=1)
    now = timezone.now()
    submit(now, folder=FOLDER)
    submit(now, folder=FOLDER, script="contact.php")
    client = browse(owner)
    assert "Bloquer ce script" in text(client, PAGE)
    asked = text(client, PAGE + "block/confirm/")
    assert "Valider" in asked
    assert not Script.objects.get(key=KEY).blocked_at
    response = client.post(PAGE + "block/")
    assert (response.status_code, response["Location"]) == (302, PAGE)
    rows = Recipient.objects.order_by("pk").values_list("status", "hold_reason")
    assert list(rows) == [("held", "script"), ("waiting", "")]
    entry = AuditEntry.objects.get(action="block_script")
    assert (entry.actor, entry.target, entry.details) == (
        "claire",
        "commande.php",
        {"folder": FOLDER},
    )
    shown = text(client, PAGE)
    assert "est bloqué" in shown
    assert "1 e-mail retenu" in shown
    assert "Débloquer ce script" in shown
    assert "Bloquer ce script" not in shown


def test_unblocking_and_purging(browse: Browse, owner: User, see: See, submit: Submit) -> None:
    see(handed=1)
    now = timezone.now()
    client = browse(owner)
    client.post(PAGE + "block/")
    submit(now, folder=FOLDER)
    assert "Purger ses e-mails" in text(client, PAGE)
    client.post(PAGE + "purge/")
    submit(now, folder=FOLDER)
    client.post(PAGE + "unblock/")
    rows = Recipient.objects.order_by("pk").values_list("status", "hold_reason")
    assert list(rows) == [("purged", ""), ("waiting", "")]
    noted = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert noted == ["block_script", "purge_script", "unblock_script"]
    assert not ScriptJob.objects.exists()


def test_what_does_not_apply_is_told_and_changes_nothing(
    browse: Browse, owner: User, see: See
) -> None:
    see(handed=1)
    client = browse(owner)
    response = client.get(PAGE + "unblock/confirm/")
    assert response.status_code == 409
    assert "Ce script n’est pas bloqué" in response.content.decode()
    assert (
        "Ce script n’est pas bloqué" in client.post(PAGE + "unblock/", follow=True).content.decode()
    )
    assert not AuditEntry.objects.filter(action="unblock_script").exists()


def test_a_service_that_is_blocked_keeps_its_mail_and_says_so(
    browse: Browse, owner: User, account: HostingAccount, see: See
) -> None:
    see(handed=1)
    Script.objects.update(blocked_at=timezone.now())
    HostingAccount.objects.filter(pk=account.pk).update(state="ko", blocks_scripts=True)
    assert "restent retenus" in text(browse(owner), PAGE + "unblock/confirm/")


def test_a_reader_sees_and_has_no_buttons(browse: Browse, reader: User, see: See) -> None:
    see(handed=1)
    shown = text(browse(reader), PAGE)
    assert "Bloquer ce script" not in shown
    assert "Purger ses e-mails" not in shown


def test_a_job_that_runs_is_told(browse: Browse, owner: User, see: See) -> None:
    see(handed=1)
    ScriptJob.objects.create(script=Script.objects.get(), kind="purge", through_id=9, done=1234)
    assert "1 234" in text(browse(owner), PAGE)


def test_a_message_leads_to_its_script(
    browse: Browse, owner: User, see: See, submit: Submit
) -> None:
    submit(timezone.now(), folder=FOLDER)
    message = Message.objects.get()
    address = f"/web/hosting/boutique.example/scripts-emails/messages/{message.queue_id}/"
    assert PAGE not in text(browse(owner), address)
    see(handed=1)
    assert f'href="{PAGE}"' in text(browse(owner), address)
