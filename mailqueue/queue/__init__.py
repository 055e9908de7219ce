"""The queue: the only writer of messages and recipients.

Owns what enters (`intake`), who works on it (`claims`), what screening makes of it (`judged`), what
became of it (`work`) and what came back of it (`returns`); what is held, released, purged and
expired (`slices`), also of one script (`by_script`) or by choice (`chosen`), what was judged spam
and is wanted all the same (`wanted`), what is deleted with age (`pruning`), and what is erased
because its addressee wants it (`erasing`). Who may ask for that, and the state of the service, is
for `service`.

Rows are the truth. Every function that writes is one transaction, or part of its caller's.

Note: on PostgreSQL a burst of calls for one account waits in line for that account's row.
"""

from mailqueue.queue.by_script import hold_of_script, purge_of_script, release_of_script
from mailqueue.queue.chosen import (
    MOST_CHOSEN,
    may_purge,
    may_release,
    purge_chosen,
    release_chosen,
)
from mailqueue.queue.claims import Claimed, claim_due, cleared, has_due, renew
from mailqueue.queue.erasing import erase, erased
from mailqueue.queue.intake import (
    REFUSED,
    Receipt,
    Submission,
    accept,
    content_of,
    contents_of,
    unpack,
)
from mailqueue.queue.judged import Addressees, Sentence, addressees_of, hold_spam, judge
from mailqueue.queue.pruning import prune, prune_bodies
from mailqueue.queue.returns import Back, CameBack, Fate, come_back
from mailqueue.queue.rows import lock_account, lock_accounts, storable
from mailqueue.queue.slices import drip, expire, hold, last_queued_id, purge, release
from mailqueue.queue.wanted import Wanted, mark_wanted, may_overrule, owners_may_overrule
from mailqueue.queue.work import Recorded, give_back, put_off, record, recover_leases

__all__ = [
    "MOST_CHOSEN",
    "REFUSED",
    "Addressees",
    "Back",
    "CameBack",
    "Claimed",
    "Fate",
    "Receipt",
    "Recorded",
    "Sentence",
    "Submission",
    "Wanted",
    "accept",
    "addressees_of",
    "claim_due",
    "cleared",
    "come_back",
    "content_of",
    "contents_of",
    "drip",
    "erase",
    "erased",
    "expire",
    "give_back",
    "has_due",
    "hold",
    "hold_of_script",
    "hold_spam",
    "judge",
    "last_queued_id",
    "lock_account",
    "lock_accounts",
    "mark_wanted",
    "may_overrule",
    "may_purge",
    "may_release",
    "owners_may_overrule",
    "prune",
    "prune_bodies",
    "purge",
    "purge_chosen",
    "purge_of_script",
    "put_off",
    "record",
    "recover_leases",
    "release",
    "release_chosen",
    "release_of_script",
    "renew",
    "storable",
    "unpack",
]
