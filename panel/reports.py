"""The daily error report: what came back in error the day before, why, and what to do.

Owns which days are due, the letter, and that each day is reported once: the letter enters the queue
in the transaction that notes the day. A day that was missed is caught up, for a week.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import Error, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import ngettext

from mailqueue import counters, failures, history
from mailqueue.bounces import Category
from mailqueue.errors import FacteurError
from mailqueue.models import AccountTotals, HostingAccount
from mailqueue.states import State
from panel import wording
from panel.models import DailyReport, ReportProgress

# The hour at which the day before is reported, in the account's time zone.
HOUR = time(6)
# A report that is older than this is of no use any more.
CATCH_UP = timedelta(days=7)
# Addresses listed for one category; the page has them all.
MOST_LISTED = 50

logger = logging.getLogger("facteur.reports")


@dataclass(frozen=True, slots=True)
class Group:
    """The failures of one category in a report; `left_out` are more than are listed."""

    word: str
    advice: str
    number: int
    failures: Sequence[failures.Failure]
    left_out: int


def send_due(now: datetime) -> int:
    """Send what is due for all accounts; return how many reports that was."""
    # Nobody is further than 14 hours before UTC: who is through with this day has nothing due.
    latest = (now + timedelta(hours=14)).date() - timedelta(days=1)
    accounts = HostingAccount.objects.filter(is_system=False).exclude(report_to="")
    waiting = accounts.exclude(report_progress__through__gte=latest)
    sent = 0
    for account in waiting.select_related("report_progress").iterator():
        for day in _days_due(account, now):
            try:
                sent += send(account.pk, day, now)
            except (Error, FacteurError) as error:
                # The others get theirs; this one is tried again by the next task.
                logger.warning(
                    "report=failed account=%s day=%s error=%r", account.pk, day, str(error)
                )
                break
    return sent


def send(account_id: int, day: date, now: datetime) -> bool:
    """Report one day of one account unless it has been; return whether a letter was sent.

    Nothing is sent when nothing was in error. Raises django.db.Error; then nothing is noted.
    """
    with transaction.atomic():
        account = HostingAccount.objects.select_for_update(no_key=True).get(pk=account_id)
        progress = ReportProgress.objects.filter(account=account).first()
        if progress is not None and progress.through >= day:
            return False
        ReportProgress.objects.update_or_create(account=account, defaults={"through": day})
        report = _written(account, day, now)
        if report is None:
            return False
        letter, kept = report
        kept.save(force_insert=True)
        letter.send()
    return True


def _days_due(account: HostingAccount, now: datetime) -> list[date]:
    local = now.astimezone(ZoneInfo(account.time_zone))
    last = local.date() - timedelta(days=1 if local.time() >= HOUR else 2)
    progress = getattr(account, "report_progress", None)
    born = account.created_at.astimezone(ZoneInfo(account.time_zone)).date()
    first = max(born, last - CATCH_UP + timedelta(days=1))
    if progress is not None:
        first = max(first, progress.through + timedelta(days=1))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _written(
    account: HostingAccount, day: date, now: datetime
) -> tuple[EmailMultiAlternatives, DailyReport] | None:
    start = history.day_start(account.time_zone, day)
    end = history.day_start(account.time_zone, day + timedelta(days=1))
    counted = counters.in_quarters([account.pk], start, end).get(account.pk, counters.Tally())
    in_error = counted.failed + counted.returned
    if not in_error and not counted.expired:
        return None
    with translation.override(account.language), timezone.override(account.time_zone):
        subject = ngettext(
            "%(account)s: %(number)s e-mail in error on %(day)s",
            "%(account)s: %(number)s e-mails in error on %(day)s",
            in_error,
        ) % {
            "account": account.service_name,
            "number": formats.number_format(in_error, use_l10n=True, force_grouping=True),
            "day": formats.date_format(day, "DATE_FORMAT"),
        }
        page = reverse("errors_list", args=[account.service_name])
        context = {
            "account": account,
            "subject": subject,
            "day": day,
            "sent": counted.sent + counted.failed,
            "in_error": in_error,
            "expired": counted.expired,
            "held": AccountTotals.objects.get(account=account).held,
            "state": wording.state_word(State(account.state)),
            "groups": _groups(account, start, end),
            "link": f"{settings.PUBLIC_URL}{page}?days=7",
        }
        text = render_to_string("letters/report.txt", context)
        letter = EmailMultiAlternatives(subject, text, to=[account.report_to])
        letter.attach_alternative(render_to_string("letters/report.html", context), "text/html")
    kept = DailyReport(
        account=account,
        day=day,
        sent_at=now.astimezone(UTC),
        sent_to=account.report_to,
        subject=subject[:255],
        text=text,
    )
    return letter, kept


def _groups(account: HostingAccount, start: datetime, end: datetime) -> list[Group]:
    """The failures of the day by category, the most frequent first."""
    found: dict[Category, list[failures.Failure]] = defaultdict(list)
    numbers: dict[Category, int] = defaultdict(int)
    for failure in failures.everything(account, failures.Wish(since=start, until=end)):
        numbers[failure.category] += 1
        if len(found[failure.category]) < MOST_LISTED:
            found[failure.category].append(failure)
    return [
        Group(
            word=wording.category_word(category),
            advice=wording.advice(category),
            number=numbers[category],
            failures=found[category],
            left_out=numbers[category] - len(found[category]),
        )
        for category in sorted(numbers, key=lambda item: -numbers[item])
    ]
