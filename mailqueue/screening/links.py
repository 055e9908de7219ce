"""Addresses of the web, taken apart. Pure; never raises."""

import re
from typing import NamedTuple

from mailqueue.screening.hosts import registered

MAX_URL = 2000
# In text that has no markup. Ours: the first hundred tell what a message is for.
MAX_IN_TEXT = 100

_IN_TEXT = re.compile(r"(?:https?://|www\.)[^\s<>\"'()\[\]{}|\\^`、。，）」]{1,2000}", re.I)
_URL = re.compile(
    r"([a-z][a-z0-9+.-]{0,20}):(?://)?(?:([^@/?#\s]{0,200})@)?(\[[0-9a-f:.]{2,50}\]|[^/?#:\s]{0,260})"
    r"(?::(\d{0,6}))?(.*)\Z",
    re.I | re.DOTALL,
)
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?\Z|_[a-z]{1,20}\Z")
_SHOWN = re.compile(
    r"\s{0,20}(?:https?://)?((?:[a-z0-9_-]{1,63}\.){1,6}[a-z]{2,18})(?::\d{1,5})?(?:[/?#]\S{0,2000})?\s{0,20}\Z",
    re.I,
)
# File names look like hosts.
_FILES = frozenset(
    {
        "pdf",
        "doc",
        "docx",
        "xls",
        "xlsx",
        "zip",
        "jpg",
        "png",
        "php",
        "html",
        "htm",
        "txt",
        "js",
        "py",
    }
)


class Url(NamedTuple):
    """A link's parts; `flaw` says why it leads nowhere, "" if it does."""

    written: str
    scheme: str
    host: str
    path: str
    user: str = ""
    port: str = ""
    flaw: str = ""

    @property
    def is_web(self) -> bool:
        """Whether it leads to a host by http or https."""
        return self.scheme in ("http", "https") and bool(self.host)

    @property
    def domain(self) -> str:
        """The registered domain of its host."""
        return registered(self.host)


def parse(written: str) -> Url:
    """The parts of a link as it was written."""
    text = written.strip().replace("\n", "").replace("\r", "").replace("\t", "")
    if text.startswith("//"):
        text = "https:" + text
    if text.lower().startswith("www."):
        text = "http://" + text
    match = _URL.match(text[:MAX_URL])
    if match is None:
        return Url(written, "", "", text, flaw=_flaw_without_scheme(text))
    scheme = match[1].lower()
    if scheme not in ("http", "https"):
        return Url(written, scheme, "", text[len(scheme) + 1 :])
    host = match[3].lower().rstrip(".")
    return Url(written, scheme, host, match[5], match[2] or "", match[4] or "", _flaw(host))


def in_text(text: str) -> list[str]:
    """The links that stand in plain text."""
    found: list[str] = []
    for match in _IN_TEXT.finditer(text):
        found.append(match[0].rstrip(".,;:!?*"))
        if len(found) >= MAX_IN_TEXT:
            break
    return found


def shown_host(text: str) -> str:
    """The host that a link's text shows, "" if it shows none."""
    match = _SHOWN.match(text[:400]) if "." in text else None
    if match is None:
        return ""
    host = match[1].lower()
    return "" if host.rpartition(".")[2] in _FILES else host


def _flaw_without_scheme(text: str) -> str:
    if not text:
        return "empty"
    # A place on the same page, or what a mail program fills in.
    return "" if text.startswith(("#", "{", "[", "%", "*|")) else "relative"


def _flaw(host: str) -> str:
    if not host:
        return "no host"
    if host.startswith("["):
        return ""
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(map(_LABEL.match, labels)):
        return "invalid host"
    return ""
