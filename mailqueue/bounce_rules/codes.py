"""What codes mean when the words tell nothing: RFC 3463, 5321, 7372, 7505 and vendors. Pure."""

from mailqueue.bounce_rules.categories import C

# Codes that leave no doubt, whatever words stand beside them. "x" stands for 4 and 5.
CERTAIN = {
    # RFC 7372, and Gmail's use of the same numbers.
    "x.7.20": C.AUTH_FAILURE,  # no passing DKIM signature
    "x.7.21": C.AUTH_FAILURE,
    "x.7.22": C.AUTH_FAILURE,
    "x.7.23": C.AUTH_FAILURE,  # SPF
    "x.7.24": C.AUTH_FAILURE,
    "x.7.25": C.AUTH_FAILURE,  # reverse DNS
    "x.7.26": C.AUTH_FAILURE,
    "x.7.27": C.AUTH_FAILURE,  # Gmail: SPF
    "x.7.30": C.AUTH_FAILURE,  # Gmail: DKIM
    "x.7.31": C.AUTH_FAILURE,
    "x.7.32": C.AUTH_FAILURE,  # Gmail: alignment
    "x.7.40": C.AUTH_FAILURE,  # Gmail: DMARC record
    "4.7.28": C.RATE_LIMITED,  # Gmail: unusual rate
    "5.7.28": C.REPUTATION_BLOCK,
    "x.7.29": C.PROTOCOL_ERROR,  # Gmail: TLS
    "x.7.10": C.PROTOCOL_ERROR,  # RFC 7817: encryption needed
    "x.7.17": C.USER_UNKNOWN,  # RFC 7293: the mailbox has another owner
    "x.7.18": C.HOST_UNKNOWN,  # RFC 7293: the domain has another owner
    # Microsoft 365.
    "5.1.351": C.USER_UNKNOWN,
    "5.1.90": C.RATE_LIMITED,  # day's limit of recipients
    "5.2.121": C.RATE_LIMITED,
    "5.2.122": C.RATE_LIMITED,
    "5.7.508": C.RATE_LIMITED,
    "5.4.14": C.UNREACHABLE,  # loop
    "5.4.310": C.HOST_UNKNOWN,
    "5.4.312": C.HOST_UNKNOWN,
    "5.4.316": C.UNREACHABLE,
    "4.4.316": C.UNREACHABLE,
    "5.4.300": C.UNREACHABLE,
    "5.7.501": C.REPUTATION_BLOCK,
    "5.7.502": C.REPUTATION_BLOCK,
    "5.7.503": C.REPUTATION_BLOCK,
    "5.7.511": C.REPUTATION_BLOCK,
    "5.7.513": C.REPUTATION_BLOCK,
    "5.7.705": C.REPUTATION_BLOCK,
    "5.7.509": C.AUTH_FAILURE,
    "5.7.515": C.AUTH_FAILURE,
    "5.7.512": C.PROTOCOL_ERROR,
    "5.7.54": C.RELAY_DENIED,
    "5.7.57": C.RELAY_DENIED,
    "5.7.64": C.RELAY_DENIED,
    "5.7.60": C.POLICY_BLOCK,  # send as
    "5.7.124": C.POLICY_BLOCK,
    "5.7.133": C.POLICY_BLOCK,  # senders inside only
    "5.7.134": C.POLICY_BLOCK,
    "5.7.136": C.POLICY_BLOCK,
    "5.7.750": C.POLICY_BLOCK,
}

# Microsoft 365 gives whole ranges one meaning: (class, first, last of 7.n).
RANGES = (
    ("5", 606, 649, C.REPUTATION_BLOCK),  # banned sending IP
    ("4", 500, 699, C.REPUTATION_BLOCK),  # "Access denied, please try again later"
    ("4", 850, 899, C.REPUTATION_BLOCK),
    ("4", 300, 399, C.PROTOCOL_ERROR),  # TLS, DANE, MTA-STS
    ("5", 300, 399, C.PROTOCOL_ERROR),
)

# What the code says where the words say nothing: subject and detail, for 4 and 5.
LIKELY = {
    "1.1": C.USER_UNKNOWN,
    "1.2": C.HOST_UNKNOWN,
    "1.3": C.USER_UNKNOWN,  # not an address
    "1.4": C.USER_UNKNOWN,
    "1.6": C.USER_UNKNOWN,  # moved
    "1.7": C.POLICY_BLOCK,  # the sender's address
    "1.8": C.POLICY_BLOCK,
    "1.9": C.PROTOCOL_ERROR,
    "1.10": C.USER_UNKNOWN,  # Microsoft; null MX (RFC 7505) tells itself by 556 or its words
    "2.1": C.SUSPENDED,
    "2.2": C.MAILBOX_FULL,
    "2.3": C.TOO_LARGE,
    "2.4": C.REMOTE_ERROR,
    "3.0": C.REMOTE_ERROR,
    "3.1": C.REMOTE_ERROR,
    "3.2": C.REMOTE_ERROR,
    "3.3": C.PROTOCOL_ERROR,
    "3.4": C.TOO_LARGE,
    "3.5": C.REMOTE_ERROR,
    "3.6": C.PROTOCOL_ERROR,
    "4.0": C.UNREACHABLE,
    "4.1": C.UNREACHABLE,
    "4.2": C.UNREACHABLE,
    "4.3": C.REMOTE_ERROR,
    "4.4": C.HOST_UNKNOWN,
    "4.5": C.RATE_LIMITED,
    "4.6": C.UNREACHABLE,  # loop
    "4.7": C.UNREACHABLE,
    "5.1": C.PROTOCOL_ERROR,
    "5.2": C.PROTOCOL_ERROR,
    "5.3": C.RATE_LIMITED,  # too many recipients
    "5.4": C.PROTOCOL_ERROR,
    "5.5": C.PROTOCOL_ERROR,
    "5.6": C.PROTOCOL_ERROR,
    "6.0": C.CONTENT_REJECTED,
    "6.1": C.CONTENT_REJECTED,
    "6.2": C.PROTOCOL_ERROR,
    "6.3": C.PROTOCOL_ERROR,
    "6.4": C.PROTOCOL_ERROR,
    "6.5": C.PROTOCOL_ERROR,
    "6.6": C.PROTOCOL_ERROR,
    "6.7": C.PROTOCOL_ERROR,
    "6.8": C.PROTOCOL_ERROR,
    "6.9": C.PROTOCOL_ERROR,
    "7.0": C.POLICY_BLOCK,
    "7.1": C.POLICY_BLOCK,
    "7.2": C.POLICY_BLOCK,
    "7.3": C.PROTOCOL_ERROR,
    "7.4": C.PROTOCOL_ERROR,
    "7.5": C.PROTOCOL_ERROR,  # TLS
    "7.6": C.PROTOCOL_ERROR,
    "7.7": C.POLICY_BLOCK,
    "7.8": C.RELAY_DENIED,  # log-in
    "7.9": C.POLICY_BLOCK,
    "7.13": C.SUSPENDED,
    "7.14": C.RELAY_DENIED,
}

# The bare SMTP reply, where there is neither word nor enhanced code to go by.
REPLIES = {
    "421": C.REMOTE_ERROR,
    "432": C.REMOTE_ERROR,
    "441": C.UNREACHABLE,
    "442": C.UNREACHABLE,
    "450": C.REMOTE_ERROR,
    "451": C.REMOTE_ERROR,
    "452": C.REMOTE_ERROR,
    "454": C.PROTOCOL_ERROR,
    "500": C.PROTOCOL_ERROR,
    "501": C.PROTOCOL_ERROR,
    "502": C.PROTOCOL_ERROR,
    "503": C.PROTOCOL_ERROR,
    "504": C.PROTOCOL_ERROR,
    "521": C.HOST_UNKNOWN,  # RFC 7504: a host that takes no mail
    "523": C.TOO_LARGE,
    "530": C.RELAY_DENIED,
    "534": C.RELAY_DENIED,
    "535": C.RELAY_DENIED,
    "538": C.PROTOCOL_ERROR,
    "541": C.POLICY_BLOCK,
    "551": C.USER_UNKNOWN,  # RFC 5321 §3.4: moved
    "552": C.MAILBOX_FULL,
    "556": C.HOST_UNKNOWN,  # RFC 7504: a domain that takes no mail
    "571": C.POLICY_BLOCK,
}


def certain(status: str) -> C | None:
    """What an enhanced code means whatever the words are, or None."""
    found = CERTAIN.get(status) or CERTAIN.get("x" + status[1:])
    if found or not status[1:].startswith(".7."):
        return found
    detail = int(status[4:])
    for kind, first, last, category in RANGES:
        if status[0] == kind and first <= detail <= last:
            return category
    return None


def likely(status: str, reply: str) -> C | None:
    """What the codes mean where the words tell nothing, or None."""
    if reply == "556":
        return C.HOST_UNKNOWN
    found = LIKELY.get(status[2:])
    if found is C.HOST_UNKNOWN and status == "4.4.4":
        return C.UNREACHABLE
    return found or REPLIES.get(reply)
