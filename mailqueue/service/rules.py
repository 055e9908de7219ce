"""What rules do by themselves: stop a service that passes a limit, warn before, and let it recover.

Each rule is judged again under the account's lock, in the transaction that acts on it, so that a
click and a rule follow each other. A rule whose event leads nowhere from the state changes
nothing; it is judged again with the next mail after the next change.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import OuterRef, Subquery

from mailqueue import alerts, cases, judgements, limits, policy, queue, scripts, windows
from mailqueue.errors import UnknownAccount
from mailqueue.models import HostingAccount, Message, QueueJob, Recipient, Screening, StateChange
from mailqueue.policy import Decision, Quota
from mailqueue.service.changing import change, open_job
from mailqueue.service.jobs import advance_at_once
from mailqueue.states import DELIVERING, Event, State, allows

# E-mails that the explanation of a stop shows, and among how many the script is looked for.
SAMPLES = 3
LOOKED_AT = 500

Judge = Callable[[HostingAccount, datetime], Decision | None]
_ALERTS = {Quota.HOUR: alerts.Kind.HOURLY_QUOTA, Quota.DAY: alerts.Kind.DAILY_QUOTA}


def judge_arrivals(account_ids: Iterable[int], now: datetime) -> list[StateChange]:
    """Stop accounts that handed over too much too fast; warn those near a quota.

    Call it after `queue.accept`, for accounts of which a receipt says so. Returns the stops.
    """
    stops = []
    for account in HostingAccount.objects.filter(pk__in=set(account_ids)).order_by("pk"):
        may, usage = limits.of(account), windows.usages([account], now)[account.pk]
        for nearly in policy.nearly_used(may, usage):
            _warn(account, nearly, now)
        # Most come here because a quota is used up, for the rest of the day: no lock for them.
        if account.state in DELIVERING and policy.too_fast(may, usage.fast):
            stop = _stop_if(account.pk, _too_fast, now)
            if stop is not None:
                stops.append(stop)
    return stops


def judge_failures(account_ids: Iterable[int], now: datetime) -> list[StateChange]:
    """Stop accounts of which too many e-mails fail by a fault of their recipient.

    Call it after `queue.record`, for accounts that had failures. Returns the stops.
    """
    stops = []
    for pk in sorted(set(account_ids)):
        stop = _stop_if(pk, _too_many_errors, now) or _stop_if(pk, _ratio, now)
        if stop is not None:
            stops.append(stop)
    return stops


def judge_complaints(account_ids: Iterable[int], now: datetime) -> list[StateChange]:
    """Stop accounts that too many recipients complain about. Returns the stops.

    Call it after `queue.come_back`, for accounts that somebody complained about.
    """
    stops = (_stop_if(pk, _complaints, now) for pk in sorted(set(account_ids)))
    return [stop for stop in stops if stop is not None]


def judge_spam(account_ids: Iterable[int], now: datetime) -> list[StateChange]:
    """Stop accounts of which too much was judged spam. Returns the stops.

    Call it after `queue.judge`, for accounts of which spam was held, in the same transaction: so
    none is without the other. Where spam is only noted, nothing is stopped.
    """
    stops = (_stop_if(pk, _spam, now) for pk in sorted(set(account_ids)))
    return [stop for stop in stops if stop is not None]


def report_spam(account_id: int, reason: str, now: datetime) -> StateChange:
    """Stop an account whose e-mails were found to be spam, whoever found it; tell its owner.

    Raises IllegalTransition if it is in that state already, or being purged; UnknownAccount, also
    for the account of the panel's own letters, which no state blocks.
    """
    with transaction.atomic():
        account = queue.lock_account(account_id)
        if account.is_system:
            raise UnknownAccount(account.service_name)
        stop, job = _stop(account, Decision(Event.SPAM_DETECTED, {}), now, reason)
    advance_at_once(job, now)
    return stop


def recover(now: datetime, limit: int = 100) -> int:
    """Take accounts out of `force` that were under the usual ratio for a week; return how many."""
    long_ago = now - policy.RECOVERY
    forced = HostingAccount.objects.filter(state=State.FORCE, state_changed_at__lte=long_ago)
    quiet = forced.exclude(over_ratio_at__gt=long_ago).order_by("pk")
    number = 0
    for pk in list(quiet.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            account = queue.lock_account(pk)
            over = account.over_ratio_at or account.state_changed_at
            if account.state == State.FORCE and max(over, account.state_changed_at) <= long_ago:
                change(account, Event.RECOVERED, Event.RECOVERED, now)
                number += 1
    return number


def _too_fast(account: HostingAccount, now: datetime) -> Decision | None:
    handed_over = windows.since(account, policy.FAST_WINDOW, now).accepted
    return policy.too_fast(limits.of(account), handed_over)


def _too_many_errors(account: HostingAccount, now: datetime) -> Decision | None:
    bounced = windows.since(account, policy.ERROR_WINDOW, now).bounced
    return policy.too_many_errors(limits.of(account), bounced)


def _ratio(account: HostingAccount, now: datetime) -> Decision | None:
    counted = windows.since(account, policy.RATIO_WINDOW, now)
    sent = counted.sent + counted.failed
    usual = policy.ratio_exceeded(limits.of(account), sent, counted.bounced)
    if usual is None or account.state != State.FORCE:
        return usual
    # Allowed for now, but no recovery yet.
    HostingAccount.objects.filter(pk=account.pk).update(over_ratio_at=now)
    return policy.ratio_exceeded(limits.of(account), sent, counted.bounced, is_forced=True)


def _complaints(account: HostingAccount, now: datetime) -> Decision | None:
    if account.is_system:
        return None
    counted = windows.since(account, policy.RATIO_WINDOW, now)
    return policy.too_many_complaints(counted.sent + counted.failed, counted.complaints)


def _spam(account: HostingAccount, now: datetime) -> Decision | None:
    if judgements.mode_of(account) is not Screening.HOLD:
        return None
    counted = windows.since(account, policy.SPAM_WINDOW, now)
    since = max(now - policy.SPAM_WINDOW, account.windows_from)
    return policy.too_much_spam(
        limits.of(account),
        counted.spam_messages,
        counted.spam,
        has_malware=judgements.has_malware(account.pk, since),
    )


def _stop_if(account_id: int, judge: Judge, now: datetime) -> StateChange | None:
    """Stop the account if `judge` says so of what is counted now, and its state allows it."""
    with transaction.atomic():
        account = queue.lock_account(account_id)
        decision = judge(account, now)
        if decision is None or not allows(State(account.state), decision.event):
            return None
        stop, job = _stop(account, decision, now)
    advance_at_once(job, now)
    return stop


def _stop(
    account: HostingAccount, decision: Decision, now: datetime, reason: str = ""
) -> tuple[StateChange, QueueJob]:
    account.review_required |= _needs_review(account, decision.event, now)
    evidence = cases.gather(account, now) if decision.event is Event.SPAM_DETECTED else None
    told_of = _evidence(account, decision.event, now) if evidence is None else evidence.figures()
    figures = {**decision.figures, **told_of}
    stop = change(account, decision.event, decision.event, now, reason=reason, figures=figures)
    if evidence is not None:
        cases.open_case(account, stop, evidence, now)
    job = open_job(account, QueueJob.Kind.HOLD, decision.event, now)
    told = {
        "event": decision.event.value,
        "change": stop.pk,
        "review": account.review_required,
        **figures,
    }
    alerts.raise_once(account.pk, alerts.Kind.BLOCKED, str(stop.pk), now, told)
    return stop, job


def _needs_review(account: HostingAccount, event: Event, now: datetime) -> bool:
    blocks = [
        *account.changes.filter(
            changed_at__gt=now - policy.REVIEW_WINDOW, event__in=policy.AUTOMATIC_BLOCKS
        ).values_list("event", flat=True),
        event,
    ]
    return policy.needs_review(len(blocks), blocks.count(Event.SPAM_DETECTED))


def _evidence(account: HostingAccount, event: Event, now: datetime) -> dict[str, object]:
    """The script that most of it came from, as far as scripts tell, and the newest e-mails."""
    since = max(now - policy.RATIO_WINDOW, account.windows_from)
    rows = _newest_messages(account, since) if event is Event.TOO_FAST else _failed(account, since)
    sources = Counter(
        (row.message.script, row.message.folder, row.message.origin)
        for row in rows
        if row.message.script
    )
    found: dict[str, object] = {
        "samples": [
            {
                "subject": row.message.subject,
                "address": row.address,
                "script": row.message.script,
                "reply": row.reply[:500],
            }
            for row in rows[:SAMPLES]
        ]
    }
    for source, number in sources.most_common(1):
        found |= {
            "script": source[0],
            "script_key": scripts.key_of(*source),
            "script_number": number,
            "looked_at": len(rows),
        }
    return found


def _failed(account: HostingAccount, since: datetime) -> Sequence[Recipient]:
    rows = Recipient.objects.filter(account=account).select_related("message")
    failed = rows.filter(status=Recipient.Status.FAILED, ended_at__gte=since)
    back = rows.filter(returned_at__isnull=False, returned_at__gte=since)
    found = [
        *failed.order_by("-ended_at", "-pk")[:LOOKED_AT],
        *back.order_by("-returned_at", "-pk")[:LOOKED_AT],
    ]
    return sorted(found, key=lambda row: row.in_error_at, reverse=True)[:LOOKED_AT]


def _newest_messages(account: HostingAccount, since: datetime) -> Sequence[Recipient]:
    """A recipient of each of the newest messages: the first along an index, however many it has."""
    of_message = Recipient.objects.filter(message=OuterRef("pk")).order_by("address")
    newest = Message.objects.filter(account=account, accepted_at__gte=since).annotate(
        shown=Subquery(of_message.values("pk")[:1])
    )
    shown = list(newest.order_by("-accepted_at").values_list("shown", flat=True)[:LOOKED_AT])
    return list(Recipient.objects.filter(pk__in=shown).select_related("message").order_by("-pk"))


def _warn(account: HostingAccount, nearly: policy.Nearly, now: datetime) -> None:
    """Have the owner told that a quota is nearly used, once in its window."""
    kind = _ALERTS[nearly.quota]
    local = now.astimezone(ZoneInfo(account.time_zone))
    if nearly.quota is Quota.DAY:
        key = local.date().isoformat()
    else:
        if alerts.was_raised_since(account.pk, kind, now - timedelta(hours=1)):
            return
        key = f"{now:%Y-%m-%dT%H}"
    figures = {"used": nearly.used, "limit": nearly.limit}
    alerts.raise_once(account.pk, kind, key, now, figures)
