"""Stops show e-mails as samples: an address that is erased is taken out of them, and of cases."""

from mailqueue import alerts, cases, policy
from mailqueue.models import StateChange


def forget(account_id: int, address: str) -> int:
    """Take an address out of the samples of an account's stops, and of what is told of them.

    Returns how many stops named it. Part of the caller's transaction.
    """
    stops = StateChange.objects.filter(account_id=account_id, event__in=policy.AUTOMATIC_BLOCKS)
    number = 0
    for stop in stops.order_by("pk").iterator():
        figures = alerts.without(stop.figures, address)
        if figures is not None:
            stop.figures = figures
            stop.save(update_fields=["figures"])
            number += 1
    alerts.forget(account_id, address)
    cases.forget(account_id, address)
    return number
