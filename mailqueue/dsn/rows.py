"""One recipient as a report speaks of it, and how addresses are picked out of text. Pure."""

import re
from dataclasses import dataclass

# Longer is no address (RFC 5321 §4.5.3.1.3: 256 octets, and room for rewriting).
MAX_ADDRESS = 320

_TOKEN = re.compile(r"[^\s<>()\[\]{}\",;:|\u00a0「」『』（）＜＞、。]+")
_DOMAIN = re.compile(r"[^\W_](?:[\w.-]{0,251}[^\W_])?\Z")
_QUOTED = re.compile(r'"[^"\s][^"]{0,62}"@[\w.-]{1,253}')


@dataclass(frozen=True, slots=True)
class Row:
    """One recipient of a report. What the report does not say is empty.

    `recipient` is the address that failed, `original` the address as the sender wrote it.
    `action` and `status` are as RFC 3464 names them; `words` are the server's, `around` the
    text they stand in.
    """

    recipient: str = ""
    original: str = ""
    action: str = ""
    status: str = ""
    words: str = ""
    around: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """An address in a text: the address, and where it starts and ends."""

    address: str
    start: int
    end: int


def addresses(text: str) -> list[Found]:
    """All addresses in a line of text, in order, each as it is written."""
    if "@" not in text:
        return []
    if '"@' in text:
        quoted = _QUOTED.search(text)
        if quoted:
            return [Found(quoted[0], quoted.start(), quoted.end())]
    return [
        Found(address, match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if "@" in match[0] and (address := _clean(match[0]))
    ]


def address_in(text: str) -> str:
    """The first address in a text, or "" if there is none."""
    found = addresses(text)
    return found[0].address if found else ""


def _clean(token: str) -> str:
    token = token.strip("'`*.!?=“”‘’«»").removesuffix("'s")
    local, _, domain = token.rpartition("@")
    local = local.removeprefix("mailto=").lstrip("*'=")
    domain = domain.split("/", 1)[0].rstrip("'`*.!?-_")
    if not local or "@" in local or "/" in local[:1] or len(token) > MAX_ADDRESS:
        return ""
    return f"{local}@{domain}" if _DOMAIN.match(domain) else ""
