"""« Tester un e-mail »: what would become of a message, judged as the relay's worker would.

By the account's own domains and weights, after the relay's own changes. What somebody pastes or
uploads is kept nowhere.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid

from django.conf import settings

from mailqueue import examining, senders, signing_keys, weights
from mailqueue.domains import belongs
from mailqueue.examining import Examined, Fault
from mailqueue.models import HostingAccount, SenderPolicy
from mailqueue.screening import Context, screen

# For one person within an hour: each costs up to half a second.
MOST_TESTS = 200
# Told to screening, as a worker tells it.
MOST_RECIPIENTS = 100
# Stands as the author where From is missing: the login of the script's Unix user, which is known
# only when it calls.
NOBODY = "script"


@dataclass(frozen=True, slots=True)
class Author:
    """How an account stands to the author that a message names.

    `keys` are the names of the DNS records of the keys that would sign it; `is_aligned` tells
    whether they are of the author's domain. `policy` is what becomes of strangers' names.
    """

    is_own: bool
    policy: SenderPolicy
    keys: tuple[str, ...]
    is_aligned: bool


def judge(account: HostingAccount, raw: bytes, now: datetime) -> Examined | Fault:
    """What would become of a message of this account; or why it is none."""
    prepared = examining.prepare(
        raw,
        sender=f"{NOBODY}@{settings.HOSTNAME}",
        message_id=make_msgid(domain=settings.HOSTNAME)[1:-1],
        now=now,
    )
    if isinstance(prepared, Fault):
        return prepared
    context = Context(
        own_domains=senders.domains_of([account])[account.pk],
        added=frozenset(prepared.added),
        recipients=prepared.recipients[:MOST_RECIPIENTS],
        weights=weights.of([account.pk])[account.pk],
    )
    return examining.examine(prepared, screen(prepared.content, context), context)


def author(account: HostingAccount, domain: str) -> Author:
    """How an account stands to an author of this domain."""
    own = senders.domains_of([account])[account.pk]
    keys = signing_keys.signing(account.pk, domain)
    return Author(
        is_own=belongs(domain, own),
        policy=senders.policy_of(account),
        keys=tuple(signing_keys.record_name(key) for key in keys),
        is_aligned=any(belongs(domain, {key.domain}) for key in keys),
    )
