"""What a refusal means for the sender, and what to do about it. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Category(StrEnum):
    """The cause of a failure, as far as it changes what the sender should do."""

    USER_UNKNOWN = "user_unknown"
    MAILBOX_FULL = "mailbox_full"
    SUSPENDED = "suspended"
    HOST_UNKNOWN = "host_unknown"
    UNREACHABLE = "unreachable"
    REMOTE_ERROR = "remote_error"
    RATE_LIMITED = "rate_limited"
    REPUTATION_BLOCK = "reputation_block"
    AUTH_FAILURE = "auth_failure"
    POLICY_BLOCK = "policy_block"
    CONTENT_REJECTED = "content_rejected"
    TOO_LARGE = "too_large"
    RELAY_DENIED = "relay_denied"
    PROTOCOL_ERROR = "protocol_error"
    UNDEFINED = "undefined"
    # No failures.
    AUTO_REPLY = "auto_reply"
    COMPLAINT = "complaint"
    DELIVERED = "delivered"


# One letter, since it opens every line of the rules.
C = Category

# The address itself is dead when one of these is permanent.
DEAD = frozenset({Category.USER_UNKNOWN, Category.HOST_UNKNOWN})

# Faults of the recipient: what counts against a site. Never ours, never the way.
OF_RECIPIENT = DEAD | {Category.MAILBOX_FULL, Category.SUSPENDED}

# Faults of the house: its address, its name, its quotas, its settings. They never count against a
# site, whoever sent what was refused.
OF_HOUSE = frozenset(
    {
        Category.REPUTATION_BLOCK,
        Category.AUTH_FAILURE,
        Category.RATE_LIMITED,
        Category.RELAY_DENIED,
    }
)

NOT_FAILURES = frozenset({Category.AUTO_REPLY, Category.COMPLAINT, Category.DELIVERED})


def gettext_noop(text: str) -> str:
    """The text itself; the name marks it for the panel's catalogue of translations."""
    return text


# English texts, which are the message ids of that catalogue.
_ADVICE: Mapping[Category, str] = MappingProxyType(
    {
        Category.USER_UNKNOWN: gettext_noop(
            "The mailbox does not exist, or no longer. Remove or correct the address."
        ),
        Category.MAILBOX_FULL: gettext_noop(
            "The recipient's mailbox is full. Try again later; remove the address if it stays full."
        ),
        Category.SUSPENDED: gettext_noop(
            "The mailbox is switched off or frozen. Remove the address."
        ),
        Category.HOST_UNKNOWN: gettext_noop(
            "The domain does not exist or takes no mail. Correct the address; "
            "it is usually a typing error."
        ),
        Category.UNREACHABLE: gettext_noop(
            "The other server could not be reached in time. There is nothing to do here."
        ),
        Category.REMOTE_ERROR: gettext_noop(
            "The other server has a fault of its own. There is nothing to do here; "
            "if it lasts, tell the recipient by another way."
        ),
        Category.RATE_LIMITED: gettext_noop(
            "Too many messages or connections in too short a time. Send more slowly."
        ),
        Category.REPUTATION_BLOCK: gettext_noop(
            "The sending address is on a block list or has a poor name. "
            "Check the block lists and ask to be taken off."
        ),
        Category.AUTH_FAILURE: gettext_noop(
            "SPF, DKIM, DMARC or reverse DNS of the sender fails. "
            "Repair the DNS of the sending domain."
        ),
        Category.POLICY_BLOCK: gettext_noop(
            "A rule of the other side refused the message. Read its answer, and ask there."
        ),
        Category.CONTENT_REJECTED: gettext_noop(
            "The message was taken for spam or a virus, or holds what is forbidden there. "
            "Change the message."
        ),
        Category.TOO_LARGE: gettext_noop(
            "The message is larger than the other side takes. Send a smaller one."
        ),
        Category.RELAY_DENIED: gettext_noop(
            "The server that was asked is not responsible for the recipient, or wants a log-in. "
            "Correct the relay settings."
        ),
        Category.PROTOCOL_ERROR: gettext_noop(
            "The message or the conversation breaks a standard, or encryption could not be had. "
            "Repair the message's headers, or the server."
        ),
        Category.UNDEFINED: gettext_noop(
            "The cause cannot be told. Read the other server's answer."
        ),
        Category.AUTO_REPLY: gettext_noop(
            "An automatic answer, no failure. There is nothing to do."
        ),
        Category.COMPLAINT: gettext_noop(
            "The recipient reported the message as spam. Stop sending to this address."
        ),
        Category.DELIVERED: gettext_noop(
            "A report of success, no failure. There is nothing to do."
        ),
    }
)


def advice(category: Category) -> str:
    """What the sender can do, in English: a message id of the panel's catalogue."""
    return _ADVICE[category]
