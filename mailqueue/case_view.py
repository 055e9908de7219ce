"""Cases as pages show them: the list of all, and one with what was said and done. Read only.

Walks the indexes by time: the cost does not grow with the cases there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from mailqueue.models import (
    CaseSample,
    HostingAccount,
    Message,
    Review,
    Script,
    SpamCase,
    StateChange,
)

PER_PAGE = 50
# What one page tells of what was said and done, the newest.
MOST_TOLD = 50
MOST_OTHERS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A case with its account, and since when its owner waits for an answer, if he does."""

    case: SpamCase
    stated_at: datetime | None


@dataclass(frozen=True, slots=True)
class CasesPage:
    """A part of the list, the newest first; `next_before` leads further back."""

    rows: Sequence[Row]
    next_before: int | None


def page(
    *, is_open: bool = True, search: str = "", before_id: int | None = None, limit: int = PER_PAGE
) -> CasesPage:
    """The cases that are open, or all, of accounts whose name contains `search`."""
    waiting = Review.objects.filter(account=OuterRef("account"), answered_at__isnull=True)
    found = SpamCase.objects.order_by("-opened_at", "-pk").select_related("account")
    if is_open:
        found = found.filter(closed_at__isnull=True)
    if search:
        found = found.filter(account__service_name__icontains=search)
    place = SpamCase.objects.filter(pk=before_id).first() if before_id else None
    if place is not None:
        found = found.filter(
            Q(opened_at__lt=place.opened_at) | Q(opened_at=place.opened_at, pk__lt=place.pk)
        )
    told = found.annotate(stated_at=Subquery(waiting.values("stated_at")[:1]))
    rows = [Row(case, case.stated_at) for case in told[: limit + 1]]
    return CasesPage(rows[:limit], rows[limit - 1].case.pk if len(rows) > limit else None)


def find(account: HostingAccount, pk: int) -> SpamCase | None:
    """This case of an account, with its stop; None if there is none, or no longer."""
    return SpamCase.objects.filter(account=account, pk=pk).select_related("change").first()


def samples(case: SpamCase) -> list[CaseSample]:
    """The e-mails that were copied, without their content, the worst first."""
    return list(case.samples.defer("content").order_by("pk"))


def kept(samples: Iterable[CaseSample]) -> set[str]:
    """The queue ids of those e-mails whose own rows are still there."""
    ids = [sample.queue_id for sample in samples]
    return set(Message.objects.filter(queue_id__in=ids).values_list("queue_id", flat=True))


def known_scripts(case: SpamCase, keys: Iterable[str]) -> set[str]:
    """Those of the keys that a script of the account is known by."""
    known = Script.objects.filter(account=case.account_id, key__in=list(keys))
    return set(known.values_list("key", flat=True))


def statements(case: SpamCase) -> list[Review]:
    """What owners stated about the stop and what was answered, the newest first."""
    found = Review.objects.filter(account=case.account_id, stated_at__gte=case.opened_at)
    if case.closed_at is not None:
        found = found.filter(stated_at__lte=case.closed_at)
    return list(found.order_by("-stated_at", "-pk")[:MOST_TOLD])


def changes(case: SpamCase) -> list[StateChange]:
    """What became of the service from the stop to the end of the case, the newest first."""
    found = StateChange.objects.filter(account=case.account_id, changed_at__gte=case.opened_at)
    if case.closed_at is not None:
        found = found.filter(changed_at__lte=case.closed_at)
    return list(found.order_by("-changed_at", "-pk")[:MOST_TOLD])


def others(case: SpamCase) -> list[SpamCase]:
    """Other cases of the same account, the newest first."""
    found = SpamCase.objects.filter(account=case.account_id).exclude(pk=case.pk)
    return list(found.order_by("-opened_at", "-pk")[:MOST_OTHERS])
