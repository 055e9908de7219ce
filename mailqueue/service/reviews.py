"""Reviews: what an owner says was done about a block, and what an administrator answers."""

from datetime import datetime

from django.db import transaction

from mailqueue import alerts, queue
from mailqueue.errors import NoReview
from mailqueue.models import Review
from mailqueue.states import Event, State, allows

LONGEST_STATEMENT = 4000


def state_review(
    account_id: int, author: str, statement: str, now: datetime, *, by_mail: bool = False
) -> Review:
    """Keep what an owner says was done, and tell administrators.

    What was said before and has not been answered is replaced. Raises NoReview if none is
    required, UnknownAccount.
    """
    with transaction.atomic():
        account = queue.lock_account(account_id)
        if not account.review_required or not allows(State(account.state), Event.LIFT):
            raise NoReview(account.service_name)
        review, _ = Review.objects.update_or_create(
            account=account,
            answered_at=None,
            defaults={
                "stated_at": now,
                "author": author,
                "statement": statement[:LONGEST_STATEMENT],
                "by_mail": by_mail,
            },
        )
        key = f"{review.pk}"
        alerts.raise_once(account_id, alerts.Kind.STATED, key, now, {"review": review.pk})
        return review


def open_review(account_id: int) -> Review | None:
    """What an owner has said and nobody has answered."""
    return Review.objects.filter(account_id=account_id, answered_at=None).first()


def refuse_review(account_id: int, actor: str, word: str, now: datetime) -> Review:
    """Answer that the stop stays, and why. Raises NoReview if nobody has asked."""
    with transaction.atomic():
        account = queue.lock_account(account_id)
        review = answer_open_review(account_id, actor, now, word, is_lifted=False)
        if review is None:
            raise NoReview(account.service_name)
        return review


def answer_open_review(
    account_id: int, actor: str, now: datetime, word: str, *, is_lifted: bool
) -> Review | None:
    """Answer what an owner has said, if he has, and tell him. Part of the caller's transaction."""
    review = open_review(account_id)
    if review is None:
        return None
    review.answered_at = now
    review.answered_by = actor
    review.is_lifted = is_lifted
    review.answer = word[:LONGEST_STATEMENT]
    review.save(update_fields=["answered_at", "answered_by", "is_lifted", "answer"])
    key = f"{review.pk}"
    alerts.raise_once(account_id, alerts.Kind.ANSWERED, key, now, {"review": review.pk})
    return review
