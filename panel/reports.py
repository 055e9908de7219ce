"""The daily error report: what came back in error the day before, why, and what to do.

Owns which days are due, what is told of them, and that each day is reported once: the letter enters
the queue in the transaction that notes the day. A day that was missed is caught up, for a week;
what is delayed or held *now* stands in the newest report only.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import Error, transaction
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import counters, delays, failures, history
from mailqueue.delays import Delays
from mailqueue.errors import FacteurError
from mailqueue.models import AccountTotals, HostingAccount, StateChange
from mailqueue.states import State
from panel import letters, wording
from panel.models import DailyReport, ReportProgress

# The hour at which the day before is reported, in the account's time zone.
HOUR = time(6)
# A report that is older than this is of no use any more.
CATCH_UP = timedelta(days=7)
KEPT = timedelta(days=365)
# Addresses listed for one category; the page has them all.
MOST_LISTED = 50
MOST_CHANGES = 20
LONGEST_ADDRESS = 254
LONGEST_REPLY = 300

logger = logging.getLogger("facteur.reports")


@dataclass(frozen=True, slots=True)
class Line:
    """One e-mail: to whom, and what the other server said; for one that waits, its next try."""

    address: str
    reply: str
    next_try: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The failures of one category in a report; `left_out` are more than are listed."""

    word: str
    advice: str
    number: int
    lines: Sequence[Line]
    left_out: int


@dataclass(frozen=True, slots=True)
class Now:
    """What is in the queue when the report is written: held, and why; tried and late."""

    held: int
    over_quota: int
    delays: Delays

    def __bool__(self) -> bool:
        return bool(self.held or self.delays.number)


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


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` of the oldest reports, if they are over a year old; return how many."""
    oldest = DailyReport.objects.order_by("pk").values_list("pk", "sent_at")[:limit]
    old = [pk for pk, sent_at in oldest if sent_at < now - KEPT]
    return DailyReport.objects.filter(pk__in=old).delete()[0]


def send(account_id: int, day: date, now: datetime) -> bool:
    """Report one day of one account unless it has been; return whether a letter was sent.

    Nothing is sent when there was nothing to tell. Raises django.db.Error; then nothing is noted.
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
    last = _newest_day(account, now)
    progress = getattr(account, "report_progress", None)
    born = account.created_at.astimezone(ZoneInfo(account.time_zone)).date()
    first = max(born, last - CATCH_UP + timedelta(days=1))
    if progress is not None:
        first = max(first, progress.through + timedelta(days=1))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _newest_day(account: HostingAccount, now: datetime) -> date:
    """The last day that can be reported: yesterday, once it is HOUR."""
    local = now.astimezone(ZoneInfo(account.time_zone))
    return local.date() - timedelta(days=1 if local.time() >= HOUR else 2)


def _written(
    account: HostingAccount, day: date, now: datetime
) -> tuple[EmailMultiAlternatives, DailyReport] | None:
    start = history.day_start(account.time_zone, day)
    end = history.day_start(account.time_zone, day + timedelta(days=1))
    counted = counters.in_quarters([account.pk], start, end).get(account.pk, counters.Tally())
    in_queue = _now(account, end) if day == _newest_day(account, now) else None
    in_error = counted.failed + counted.returned
    if not (in_error or counted.expired or counted.suppressed or in_queue):
        return None
    with translation.override(account.language), timezone.override(account.time_zone):
        page = reverse("scripts_emails", args=[account.service_name])
        context = {
            "account": account,
            "day": day,
            "facts": _facts(account, counted, in_queue),
            "groups": [
                *_groups(account, start, end),
                *_expired(account, start, end, counted.expired),
            ],
            "delayed": _delayed(in_queue, now),
            "delays": in_queue.delays if in_queue else None,
            "changes": _changes(account, start, end),
            "page": f"{settings.PUBLIC_URL}{page}",
            "link": f"{settings.PUBLIC_URL}{page}errors/?days=7",
        }
        letter, text = letters.made(
            "report", _subject(account, day, in_error), account.report_to, context
        )
    kept = DailyReport(
        account=account,
        day=day,
        sent_at=now.astimezone(UTC),
        sent_to=account.report_to,
        subject=letter.subject[:255],
        text=text,
    )
    return letter, kept


def _subject(account: HostingAccount, day: date, in_error: int) -> str:
    values = {
        "account": account.service_name,
        "number": wording.number(in_error),
        "day": formats.date_format(day, "DATE_FORMAT"),
    }
    if not in_error:
        return _("%(account)s: e-mails not delivered on %(day)s") % values
    return (
        ngettext(
            "%(account)s: %(number)s e-mail in error on %(day)s",
            "%(account)s: %(number)s e-mails in error on %(day)s",
            in_error,
        )
        % values
    )


def _now(account: HostingAccount, end: datetime) -> Now:
    """What is in the queue; what came after the day is not called late yet."""
    totals = AccountTotals.objects.get(account=account)
    return Now(totals.held, totals.overflow, delays.of_account(account, end))


def _facts(
    account: HostingAccount, counted: counters.Tally, in_queue: Now | None
) -> list[tuple[str, str]]:
    """Figures with their names; those that are usually 0 only if they are not."""
    usual = [
        (_("E-mails sent:"), counted.sent + counted.failed),
        (_("In error:"), counted.failed + counted.returned),
    ]
    unusual = [
        (_("Expired in the queue:"), counted.expired),
        (_("Not sent, because the address is suppressed:"), counted.suppressed),
        (_("Purged from the queue:"), counted.purged),
    ]
    if in_queue is not None:
        unusual += [
            (_("Held now, the service is blocked:"), in_queue.held - in_queue.over_quota),
            (_("Held now, over the quota:"), in_queue.over_quota),
        ]
    shown = [*usual, *(pair for pair in unusual if pair[1])]
    facts = [(name, wording.number(value)) for name, value in shown]
    if in_queue is not None and in_queue.delays.number:
        facts.append((_("Delayed, still being tried:"), _at_least(in_queue.delays)))
    return [*facts, (_("Service state:"), wording.state_word(State(account.state)))]


def _at_least(found: Delays) -> str:
    written = wording.number(found.number)
    return _("%(number)s or more") % {"number": written} if found.is_more else written


def _groups(account: HostingAccount, start: datetime, end: datetime) -> list[Group]:
    """The failures of the day by category, the most frequent first: a query for each."""
    groups = []
    for category, number in failures.numbers(account, failures.Wish(start, until=end)).items():
        wish = failures.Wish(start, category=category, until=end)
        rows = failures.page(account, wish, limit=MOST_LISTED).rows
        groups.append(
            Group(
                word=wording.category_word(category),
                advice=wording.advice(category),
                number=number,
                lines=[_line(row.address, row.reply) for row in rows],
                left_out=max(0, number - len(rows)),
            )
        )
    return groups


def _expired(account: HostingAccount, start: datetime, end: datetime, number: int) -> list[Group]:
    """What expired in the queue on the day, as one more group."""
    wish = failures.Wish(start, until=end, is_expired=True)
    rows = failures.page(account, wish, limit=MOST_LISTED).rows if number else []
    if not rows:
        return []
    return [
        Group(
            word=wording.cause(rows[0]),
            advice=wording.what_to_do(rows[0]),
            number=number,
            lines=[_line(row.address, row.subject) for row in rows],
            left_out=max(0, number - len(rows)),
        )
    ]


def _delayed(in_queue: Now | None, now: datetime) -> list[Line]:
    """The first of what is late; what is due already has no moment, it is tried at once."""
    return [
        _line(
            row.address,
            row.reply,
            wording.moment(row.next_attempt_at, now)
            if row.next_attempt_at and row.next_attempt_at > now
            else "",
        )
        for row in (in_queue.delays.rows if in_queue else ())
    ]


def _line(address: str, reply: str, next_try: str = "") -> Line:
    return Line(
        letters.one_line(wording.address(address), LONGEST_ADDRESS),
        letters.one_line(reply, LONGEST_REPLY),
        next_try,
    )


def _changes(account: HostingAccount, start: datetime, end: datetime) -> list[str]:
    """What happened to the state that day, in order: when, what, by whom, to which state."""
    rows = StateChange.objects.filter(account=account, changed_at__gte=start, changed_at__lt=end)
    return [
        _("%(time)s: %(what)s (%(who)s), state %(state)s")
        % {
            "time": formats.time_format(timezone.localtime(row.changed_at), "TIME_FORMAT"),
            "what": wording.event_word(row.event),
            "who": letters.one_line(wording.actor(row), 150),
            "state": wording.state_word(State(row.to_state)),
        }
        for row in rows.order_by("changed_at", "pk")[:MOST_CHANGES]
    ]
