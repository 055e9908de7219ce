"""What reads like something else, and a full mailbox: compared before the rest. Pure."""

from mailqueue.bounce_rules.categories import C
from mailqueue.bounce_rules.words import Line

LINES: tuple[Line, ...] = (
    # What reads like something else, and so comes first.
    (C.USER_UNKNOWN, "recipient address rejected access denied", "5.4.1"),  # Microsoft 365 edge
    (C.USER_UNKNOWN, "recipient address rejected access denied as", "5"),  # the same, AS(201…)
    (C.PROTOCOL_ERROR, "multiple addresses in from"),  # Gmail
    (C.PROTOCOL_ERROR, "helo command rejected"),  # Postfix: our own name, whatever is wrong with it
    (C.USER_UNKNOWN, "account or domain may not exist"),  # cPanel's guess, with block lists in it
    (C.PROTOCOL_ERROR, "missing a valid messageid"),
    (C.PROTOCOL_ERROR, "invalid message id"),
    (C.PROTOCOL_ERROR, "no date header"),
    (C.PROTOCOL_ERROR, "two from headers"),
    (C.PROTOCOL_ERROR, "a line longer than"),
    (C.PROTOCOL_ERROR, "invalid characters in message"),
    (C.RATE_LIMITED, "quota for sender"),
    (C.POLICY_BLOCK, "has blocked the sender"),
    (C.POLICY_BLOCK, "recipients block list"),
    (C.POLICY_BLOCK, "recipients blocked senders"),
    (C.POLICY_BLOCK, "from outside the organi"),
    (C.REPUTATION_BLOCK, "too many errors from your ip"),  # Free (France)
    (C.RELAY_DENIED, "use authenticated smtp"),
    (C.REMOTE_ERROR, "complete sender verify callout", "4"),  # Exim
    (C.PROTOCOL_ERROR, "missing a valid message id"),  # Gmail
    (C.PROTOCOL_ERROR, "not rfc 5322 compliant"),
    (C.PROTOCOL_ERROR, "not rfc 2822 compliant"),
    (C.PROTOCOL_ERROR, "not compliant with rfc"),
    (C.PROTOCOL_ERROR, "rfc 5322 compliant"),
    (C.PROTOCOL_ERROR, "rfc compliant"),
    (C.PROTOCOL_ERROR, "comply with required standards"),
    (C.PROTOCOL_ERROR, "rfc5322"),
    (C.PROTOCOL_ERROR, "rfc2822"),
    (C.PROTOCOL_ERROR, "violates rfc"),
    (C.PROTOCOL_ERROR, "duplicate header"),
    (C.PROTOCOL_ERROR, "multiple header"),
    (C.PROTOCOL_ERROR, "missing from header"),
    (C.PROTOCOL_ERROR, "missing header"),
    (C.PROTOCOL_ERROR, "missing required header"),
    (C.PROTOCOL_ERROR, "malformed header"),
    (C.PROTOCOL_ERROR, "invalid header"),
    (C.PROTOCOL_ERROR, "bad header"),
    (C.PROTOCOL_ERROR, "illegal header"),
    (C.PROTOCOL_ERROR, "headers contain illegal"),
    (C.PROTOCOL_ERROR, "improper use of 8 bit"),  # Amavis
    (C.PROTOCOL_ERROR, "bare lf"),
    (C.PROTOCOL_ERROR, "command not recogni"),
    (C.PROTOCOL_ERROR, "command is not recogni"),
    (C.PROTOCOL_ERROR, "bare line feed"),
    (C.PROTOCOL_ERROR, "bare newline"),
    (C.PROTOCOL_ERROR, "stray newline"),
    (C.PROTOCOL_ERROR, "line too long"),
    (C.PROTOCOL_ERROR, "lines longer than"),
    (C.PROTOCOL_ERROR, "maximum allowed line length"),  # Exim
    (C.PROTOCOL_ERROR, "malformed address"),  # Exim: in the headers
    (C.PROTOCOL_ERROR, "may not follow"),  # Exim
    (C.PROTOCOL_ERROR, "message cannot be decoded"),
    (C.PROTOCOL_ERROR, "smtputf8 * not supported"),
    (C.PROTOCOL_ERROR, "smtputf8 is required"),
    (C.PROTOCOL_ERROR, "smtputf8 but was not offered"),
    (C.PROTOCOL_ERROR, "smtputf8 is not"),
    (C.PROTOCOL_ERROR, "8bitmime * not"),
    (C.MAILBOX_FULL, "number of messages in recipients mailbox"),  # Biglobe
    (C.RATE_LIMITED, "number of messages * exceeded"),
    (C.RATE_LIMITED, "daily sending quota"),  # Google relay
    (C.RATE_LIMITED, "daily user sending"),  # Gmail
    (C.RATE_LIMITED, "daily smtp relay limit"),
    (C.RATE_LIMITED, "daily sending limit"),
    (C.RATE_LIMITED, "sending quota"),
    (C.RATE_LIMITED, "message quota exceeded"),
    (C.RATE_LIMITED, "sending limit"),
    (C.RATE_LIMITED, "limit for sending"),
    (C.RATE_LIMITED, "outbound * limit exceeded"),
    (C.RATE_LIMITED, "max defers and failures per hour"),  # cPanel
    (C.RATE_LIMITED, "max emails per hour"),  # cPanel
    (C.RATE_LIMITED, "exceeded the max"),
    # A loop never arrives: RFC 3463 counts it under network and routing (x.4.6).
    (C.UNREACHABLE, "too many hops"),
    (C.UNREACHABLE, "hop count"),
    (C.UNREACHABLE, "mail loop"),
    (C.UNREACHABLE, "loops back to"),
    (C.UNREACHABLE, "routing loop"),
    (C.UNREACHABLE, "mail forwarding loop"),  # Postfix
    (C.UNREACHABLE, "looping"),
    (C.UNREACHABLE, "too many received headers"),
    (C.UNREACHABLE, "loop detected"),
    (C.MAILBOX_FULL, "automatically rejected not enough disk"),  # Dovecot: the user's quota
    (C.REMOTE_ERROR, "disk full"),
    (C.REMOTE_ERROR, "disk is full"),
    (C.REMOTE_ERROR, "no space left on device"),
    (C.REMOTE_ERROR, "not enough disk space"),
    (C.REMOTE_ERROR, "not enough space on"),
    (C.REMOTE_ERROR, "insufficient disk space"),
    (C.REMOTE_ERROR, "insufficient system storage"),
    (C.REMOTE_ERROR, "insufficient system resources"),
    (C.REMOTE_ERROR, "mail system full"),
    (C.REMOTE_ERROR, "mail system storage"),
    (C.MAILBOX_FULL, "over quota"),
    (C.MAILBOX_FULL, "overquota"),  # Gmail, Dovecot
    (C.MAILBOX_FULL, "out of storage space"),  # Gmail
    (C.MAILBOX_FULL, "mailbox is full"),
    (C.MAILBOX_FULL, "mailbox full"),
    (C.MAILBOX_FULL, "mailbox * is full"),
    (C.MAILBOX_FULL, "mailbox * over * quota"),
    (C.MAILBOX_FULL, "mailfolder is full"),
    (C.MAILBOX_FULL, "mail folder is full"),
    (C.MAILBOX_FULL, "maildir over"),  # Maildrop
    (C.MAILBOX_FULL, "maildir full"),
    (C.MAILBOX_FULL, "mail box full"),
    (C.MAILBOX_FULL, "mail box is full"),
    (C.MAILBOX_FULL, "inbox is full"),
    (C.MAILBOX_FULL, "inbox full"),
    (C.MAILBOX_FULL, "folder is full"),
    (C.MAILBOX_FULL, "account is full"),
    (C.MAILBOX_FULL, "account full"),
    (C.MAILBOX_FULL, "recipient is full"),
    (C.MAILBOX_FULL, "user is full"),
    (C.MAILBOX_FULL, "storage is full"),
    (C.MAILBOX_FULL, "storage full"),
    (C.MAILBOX_FULL, "mailbox storage"),
    (C.MAILBOX_FULL, "storage space"),
    (C.MAILBOX_FULL, "storage quota"),
    (C.MAILBOX_FULL, "storage limit"),
    (C.MAILBOX_FULL, "mailbox quota"),
    (C.MAILBOX_FULL, "mailbox limit"),
    (C.MAILBOX_FULL, "mailbox has exceeded"),
    (C.MAILBOX_FULL, "mailbox exceed"),
    (C.MAILBOX_FULL, "mailbox size limit"),
    (C.MAILBOX_FULL, "mailbox would exceed"),
    (C.MAILBOX_FULL, "not enough storage"),
    (C.MAILBOX_FULL, "exceeded storage allocation"),  # RFC 5321
    (C.MAILBOX_FULL, "exceeded * storage"),
    (C.MAILBOX_FULL, "exceeded * quota"),
    (C.MAILBOX_FULL, "exceeds * quota"),
    (C.MAILBOX_FULL, "exceeding * quota"),
    (C.MAILBOX_FULL, "quota exceed"),
    (C.MAILBOX_FULL, "quota violation"),
    (C.MAILBOX_FULL, "quota full"),
    (C.MAILBOX_FULL, "quota is full"),
    (C.MAILBOX_FULL, "quota used"),
    (C.MAILBOX_FULL, "quota has been"),
    (C.MAILBOX_FULL, "past quota"),
    (C.MAILBOX_FULL, "beyond quota"),
    (C.MAILBOX_FULL, "disk quota"),
    (C.MAILBOX_FULL, "disc quota"),
    (C.MAILBOX_FULL, "above quota"),
    (C.MAILBOX_FULL, "exceed mailbox"),
    (C.MAILBOX_FULL, "too much mail data"),  # Domino
    (C.MAILBOX_FULL, "maximum storage"),
    (C.MAILBOX_FULL, "recipient reached disk"),
    (C.MAILBOX_FULL, "recipient overquota"),
    (C.MAILBOX_FULL, "insufficient quota"),
    (C.MAILBOX_FULL, "insufficient space"),
    (C.MAILBOX_FULL, "no space left for"),
    (C.MAILBOX_FULL, "has no space"),
    (C.MAILBOX_FULL, "is out of space"),
    (C.MAILBOX_FULL, "user has too many messages"),
    (C.MAILBOX_FULL, "too many messages in * mailbox"),
    (C.MAILBOX_FULL, "cannot receive more mail"),
    (C.MAILBOX_FULL, "delivery over quota"),
    (C.MAILBOX_FULL, "dd requested mail action aborted"),
)
