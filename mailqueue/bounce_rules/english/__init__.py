"""What servers say in English, from the special to the general. Pure.

`STRONG` decides before the code does, `WEAK` only where the code tells little, `OWN_WORDS` where
a report quotes no reply. The order of the modules is the order of comparison.
"""

from mailqueue.bounce_rules.categories import C
from mailqueue.bounce_rules.english import first, mailbox, message, nobody, sender, way
from mailqueue.bounce_rules.words import rules

STRONG = rules(
    (
        *first.LINES,
        *sender.LINES,
        *message.LINES,
        *mailbox.LINES,
        *nobody.LINES,
        *way.LINES,
    )
)

# Where no reply is quoted, a server speaks of what it found itself.
OWN_WORDS = rules(
    (
        # Exim as the sender: no router took the address, so the domain has no server. As a reply
        # the same words speak of a local part.
        (C.HOST_UNKNOWN, "unrouteable address"),
        (C.HOST_UNKNOWN, "unroutable address"),
    )
)

WEAK = rules(
    (
        (C.REPUTATION_BLOCK, "client host rejected"),
        (C.REPUTATION_BLOCK, "blocked by"),
        (C.REPUTATION_BLOCK, "has been blocked"),
        (C.REPUTATION_BLOCK, "is blocked"),
        (C.REPUTATION_BLOCK, "connection rejected"),
        (C.POLICY_BLOCK, "access denied"),
        (C.POLICY_BLOCK, "policy"),
        (C.POLICY_BLOCK, "prohibited"),
        (C.POLICY_BLOCK, "not permitted"),
        (C.POLICY_BLOCK, "not allowed"),
        (C.POLICY_BLOCK, "not authorized"),
        (C.POLICY_BLOCK, "not authorised"),
        (C.POLICY_BLOCK, "unauthorized"),
        (C.POLICY_BLOCK, "denied"),
        (C.CONTENT_REJECTED, " spam "),
        (C.POLICY_BLOCK, "not accepted"),
        (C.POLICY_BLOCK, "mail rejected"),
        (C.POLICY_BLOCK, "message rejected"),
        (C.POLICY_BLOCK, "message refused"),
        (C.POLICY_BLOCK, "been rejected"),
        (C.POLICY_BLOCK, "was rejected"),
        (C.USER_UNKNOWN, "recipient address rejected", "5.1"),
        (C.POLICY_BLOCK, "blocked"),
        (C.POLICY_BLOCK, "refused"),
        (C.POLICY_BLOCK, " filtered"),
        (C.REMOTE_ERROR, "try again"),
        (C.REMOTE_ERROR, "try later"),
        (C.REMOTE_ERROR, "temporar"),
        (C.REMOTE_ERROR, "service unavailable"),
        (C.POLICY_BLOCK, "rejected"),
    )
)
