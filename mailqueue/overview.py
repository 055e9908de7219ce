"""What a page, the API or a report shows of accounts: read, never written.

Totals come from count rows, queues from partial indexes by number: the cost does not grow with the
messages there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet

from mailqueue import actions, cases, counters, limits, policy, senders, windows
from mailqueue.actions import Actions
from mailqueue.models import (
    AccountTotals,
    ForeignSender,
    HostingAccount,
    QueueJob,
    Review,
    SpamCase,
    StateChange,
)
from mailqueue.policy import Limits, Nearly, Usage
from mailqueue.states import DELIVERING, State
from mailqueue.walks import Index, along

_ENDED = F("totals__sent") + F("totals__failed") + F("totals__purged") + F("totals__expired")
_QUEUED = F("totals__accepted") - _ENDED - F("totals__suppressed")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far slow work on the queue has come."""

    kind: QueueJob.Kind
    done: int
    total: int

    @property
    def percent(self) -> int:
        """Between 0 and 100; work that found more than was counted at the click stays at 100."""
        return min(100, self.done * 100 // self.total) if self.total else 100


@dataclass(frozen=True, slots=True)
class Notices:
    """What comes near, before it stops anything."""

    quotas: Sequence[Nearly]
    # The share of errors of the last 24 hours, and that which stops; None while it is far.
    errors: policy.Decision | None
    # When the oldest e-mail that is held expires, if that is soon.
    expires_at: datetime | None
    # Senders of other domains lately, where the account's rule is to tell of them.
    stranger: ForeignSender | None


@dataclass(frozen=True, slots=True)
class Overview:
    """An account at a moment. Sent means left: delivered or refused. All in recipients."""

    account: HostingAccount
    state: State
    since: datetime
    total_sent: int
    sent_today: int
    total_in_error: int
    in_error_today: int
    total_suppressed: int
    total_complaints: int
    queued: int
    held: int
    held_bytes: int
    overflow: int
    # Held e-mails that no unblocking releases, spam and those of blocked scripts: counted up to
    # MOST_STAYING, and one more if there are more.
    stays: int
    # Those of them that were judged spam, counted likewise.
    held_spam: int
    limits: Limits
    actions: Actions
    job: Progress | None
    # The change that led to this state.
    last_change: StateChange | None
    # What an owner has stated last, answered or not, while a review is required.
    review: Review | None
    # The evidence of the stop for spam that has not ended.
    case: SpamCase | None
    notices: Notices
    is_administrator: bool

    @property
    def goes(self) -> int:
        """How many e-mails an unblocking lets go; at most, where more stay than are counted."""
        return max(0, self.queued - self.stays)

    @property
    def review_required(self) -> bool:
        """Whether an administrator must look before mail goes on."""
        return self.account.review_required and self.state not in DELIVERING

    @property
    def created_at(self) -> datetime:
        """When the account was made: the totals count since then."""
        return self.account.created_at


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """A part of what happened to a state, the newest first; `next_before` leads further back."""

    rows: Sequence[StateChange]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account in the list."""

    account: HostingAccount
    state: State
    total_sent: int
    sent_today: int
    in_error_today: int
    queued: int


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """A page of the list. `total` counts all accounts that the search found."""

    rows: Sequence[AccountRow]
    total: int
    page: int
    pages: int


MOST_STAYING = 1000
SORTS = ("service_name", "state", "queued", "sent", "sent_today")


def of_account(
    account: HostingAccount, now: datetime, *, is_administrator: bool = False
) -> Overview:
    """All that the page « Scripts emails » says of an account at `now`, in its time zone.

    `is_administrator` tells who looks: administrators have more buttons.
    """
    totals = AccountTotals.objects.get(account=account)
    state = State(account.state)
    queued = totals.queued
    spam, script = _staying(account, totals)
    today = windows.since_midnight({account.pk: account.time_zone}, now)[account.pk]
    return Overview(
        account=account,
        state=state,
        since=account.state_changed_at,
        total_sent=totals.sent + totals.failed,
        sent_today=_sent(today),
        total_in_error=totals.failed + totals.returned,
        in_error_today=today.failed + today.returned,
        total_suppressed=totals.suppressed,
        total_complaints=totals.complaints,
        queued=queued,
        held=totals.held,
        held_bytes=totals.held_bytes,
        overflow=totals.overflow,
        stays=min(spam + script, MOST_STAYING + 1),
        held_spam=spam,
        limits=limits.of(account),
        actions=actions.of_state(
            state,
            review_required=account.review_required,
            is_administrator=is_administrator,
            is_closed=account.closed_at is not None,
        ),
        job=_progress(account),
        last_change=account.changes.order_by("-changed_at", "-pk").first(),
        review=account.reviews.order_by("-stated_at", "-pk").first()
        if account.review_required
        else None,
        case=None if state in DELIVERING else cases.open_of(account.pk),
        notices=_notices(account, totals, today, now),
        is_administrator=is_administrator,
    )


def _staying(account: HostingAccount, totals: AccountTotals) -> tuple[int, int]:
    """How many are held as spam, and how many because of their script; so many, or more."""
    if not totals.held or not (totals.spam or account.blocks_scripts):
        return 0, 0
    spam, script = (
        len(along(index, account.pk).values_list("pk")[: MOST_STAYING + 1])
        for index in (Index.SPAM, Index.SCRIPT)
    )
    return spam, script


def changes_page(
    account: HostingAccount, before_id: int | None = None, limit: int = 10
) -> ChangesPage:
    """The changes of state before change `before_id` of this account, the newest first."""
    found = account.changes.order_by("-changed_at", "-pk")
    place = account.changes.filter(pk=before_id).first() if before_id else None
    if place is not None:
        found = found.filter(
            Q(changed_at__lt=place.changed_at) | Q(changed_at=place.changed_at, pk__lt=place.pk)
        )
    rows = list(found[: limit + 1])
    return ChangesPage(rows[:limit], rows[limit - 1].pk if len(rows) > limit else None)


def matching(
    visible: QuerySet[HostingAccount], search: str, state: State | None
) -> QuerySet[HostingAccount]:
    """The accounts in `visible` whose name contains `search`, and that are in `state` if given."""
    found = visible.filter(is_system=False)
    if search:
        found = found.filter(service_name__icontains=search)
    return found if state is None else found.filter(state=state)


def accounts_page(
    visible: QuerySet[HostingAccount],
    now: datetime,
    *,
    search: str = "",
    state: State | None = None,
    sort: str = "service_name",
    page: int = 1,
    per_page: int = 25,
) -> AccountsPage:
    """A page of the accounts in `visible` that `matching` finds.

    `sort` is one of SORTS, with "-" before it to turn it round; anything else sorts by name. A
    page beyond the last is the last.
    """
    ids = _sorted_ids(matching(visible, search, state), sort, now)
    pages = max(1, -(-len(ids) // per_page))
    page = min(max(page, 1), pages)
    shown = ids[(page - 1) * per_page : page * per_page]
    accounts = HostingAccount.objects.select_related("totals").in_bulk(shown)
    today = windows.since_midnight({pk: account.time_zone for pk, account in accounts.items()}, now)
    return AccountsPage([_row(accounts[pk], today[pk]) for pk in shown], len(ids), page, pages)


def _notices(
    account: HostingAccount, totals: AccountTotals, today: counters.Tally, now: datetime
) -> Notices:
    may = limits.of(account)
    last_hour = counters.trailing({account.pk: now - policy.HOUR}, now)[account.pk]
    usage = Usage(hour=last_hour.admitted, day=today.admitted)
    counted = windows.since(account, policy.RATIO_WINDOW, now)
    return Notices(
        quotas=policy.nearly_used(may, usage),
        errors=policy.ratio_near(
            may,
            counted.sent + counted.failed,
            counted.bounced,
            is_forced=account.state == State.FORCE,
        )
        if account.state in DELIVERING
        else None,
        expires_at=_expires_at(account, now) if totals.held else None,
        stranger=senders.foreign_of(account, now),
    )


def _expires_at(account: HostingAccount, now: datetime) -> datetime | None:
    """When the e-mail that has been held longest expires, if that is soon."""
    deadline = along(Index.HELD, account.pk).values_list("deadline", flat=True).first()
    return deadline if deadline and deadline <= now + policy.EXPIRY_WARNING else None


def _progress(account: HostingAccount) -> Progress | None:
    job = QueueJob.objects.filter(account=account, finished_at=None).first()
    return None if job is None else Progress(QueueJob.Kind(job.kind), job.done, job.total)


def _sorted_ids(found: QuerySet[HostingAccount], sort: str, now: datetime) -> list[int]:
    name = sort.removeprefix("-")
    if name == "sent_today":
        zones = dict(found.order_by("service_name").values_list("pk", "time_zone"))
        today = windows.since_midnight(zones, now)
        return sorted(zones, key=lambda pk: _sent(today[pk]), reverse=sort.startswith("-"))
    keyed = found.annotate(queued=_QUEUED, sent=F("totals__sent") + F("totals__failed"))
    key = sort if name in SORTS else "service_name"
    return list(keyed.order_by(key, "service_name").values_list("pk", flat=True))


def _sent(tally: counters.Tally) -> int:
    return tally.sent + tally.failed


def _row(account: HostingAccount, today: counters.Tally) -> AccountRow:
    totals = account.totals
    return AccountRow(
        account=account,
        state=State(account.state),
        total_sent=totals.sent + totals.failed,
        sent_today=_sent(today),
        in_error_today=today.failed + today.returned,
        queued=totals.queued,
    )
