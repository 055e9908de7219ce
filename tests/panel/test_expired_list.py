"""What expired in the queue: listed like what was in error, and in the report."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from mailqueue import queue, service
from mailqueue.models import HostingAccount
from panel import reports
from panel.models import DailyReport, User
from tests.panel.conftest import Browse, Submit

PAGE = "/web/hosting/boutique.example/scripts-emails/errors/"


def _expire(account: HostingAccount, submit: Submit) -> None:
    now = timezone.now()
    service.block(account.pk, "claire", now)
    submit(now - timedelta(hours=80), recipients=("tard@example.org",), subject="<b>Trop</b> tard")
    assert queue.expire(now) == 1


def test_the_page_lists_them_by_choice(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    _expire(account, submit)
    client = browse(owner)
    assert "tard@example.org" not in client.get(PAGE).content.decode(), "no error"
    text = client.get(PAGE, {"category": "expired"}).content.decode()
    assert "tard@example.org" in text
    assert "Expiré dans la file d’attente" in text
    assert "&lt;b&gt;Trop&lt;/b&gt; tard" in text
    assert '<option value="expired" selected>' in text


def test_the_file_has_them_too(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    _expire(account, submit)
    response = browse(owner).get(PAGE + "export/", {"category": "expired"})
    lines = response.getvalue().decode()
    assert "tard@example.org" in lines
    assert "Expiré dans la file d’attente" in lines


def test_the_report_names_their_addresses(account: HostingAccount, submit: Submit) -> None:
    _expire(account, submit)
    today = timezone.localtime(timezone.now(), ZoneInfo(account.time_zone)).date()
    reports.send(account.pk, today, timezone.now() + timedelta(days=1))
    text = DailyReport.objects.get().text
    assert "Expiré dans la file d’attente (1)" in text
    assert "tard@example.org" in text
