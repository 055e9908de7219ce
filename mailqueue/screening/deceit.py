"""Messages that pretend: borrowed names, links that mislead, what the sender hides. Pure."""

import re
from collections.abc import Iterator

from mailqueue.dsn.folding import fold
from mailqueue.screening.brands import AMBIGUOUS, BRANDS, brands_in, is_bait
from mailqueue.screening.hosts import (
    CHEAP_ENDINGS,
    FREE_MAIL,
    SHARED_PAGES,
    SHORTENERS,
    is_address,
    is_under,
    registered,
)
from mailqueue.screening.letter import Letter, Reference
from mailqueue.screening.links import shown_host
from mailqueue.screening.verdicts import Context, Finding, quoted
from mailqueue.screening.words import words_of

# Ours. A letter this short is little more than its link.
SHORT = 40
FEW = 20
HIDDEN_WORDS = 25

_SHARED = frozenset(SHARED_PAGES)
_HOMES = {home: brand for brand, homes in reversed(BRANDS.items()) for home in homes}
_SERVICES = frozenset(
    [
        "support",
        "service",
        "services",
        "security",
        "securite",
        "team",
        "billing",
        "account",
        "accounts",
        "help",
        "center",
        "centre",
        "id",
        "alert",
        "alerts",
        "kundenservice",
        "kundendienst",
        "sicherheit",
        "client",
        "clients",
        "facturation",
        "notification",
        "info",
        "noreply",
        "customer",
        "care",
        "delivery",
        "livraison",
        "online",
        "bank",
        "banque",
        "com",
        "fr",
    ]
)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
_INJECTED = re.compile(
    r"eval\(\)'d code|/tmp/|base64|wp-content/uploads/|/\.[a-z0-9]{1,20}\.php", re.I
)
_SHELL_MAILER = re.compile(
    r"leaf ?phpmailer|alexus|priv8|mailer by|anonymous ?fox|xleet|smtp cracker", re.I
)
# Set apart by blanks, or as a word that is none.
_TAIL = re.compile(r"(?:(\s{4,40})\S{0,30}|\s([a-z0-9]{7,20}))\Z")
_REPLY = re.compile(r"\s{0,5}(?:re|aw|sv|antw)\s?:", re.I)
_FRAME = re.compile(r"""https?:|data:|javascript:""", re.I)


def check(letter: Letter, own: frozenset[str], away: list[Reference]) -> Iterator[Finding]:
    """All ways to pretend that the message shows.

    `own` are its `own_domains`, `away` its links that lead `elsewhere`.
    """
    yield from _brands(letter, away)
    yield from _links(letter, own, away)
    yield from _markup(letter)
    yield from _hidden(letter)
    yield from _sender(letter)


def own_domains(letter: Letter, context: Context) -> frozenset[str]:
    """The domains to which links are the message's own: the account's and the sender's."""
    return frozenset({registered(letter.sender.host or "-"), *context.own_domains})


def elsewhere(letter: Letter, own: frozenset[str]) -> list[Reference]:
    """The links that do not lead to the sender's or the account's own pages."""
    return [
        found
        for found in letter.web
        if not is_under(found.url.host, own) or found in letter.planted
    ]


def _brands(letter: Letter, away: list[Reference]) -> Iterator[Finding]:
    brand = _borrowed(letter)
    if brand:
        details = {"what": quoted(letter.sender.name), "host": quoted(letter.sender.host)}
        yield Finding("brand_sender", 1.0, "header", details)
        strange = [one for one in away if not is_under(one.url.host, BRANDS[brand])]
        # A reseller links to itself, or to the brand.
        if strange and letter.web[0] in strange:
            yield Finding("brand_lure", 1.0, "link", {"what": quoted(strange[0].url.host)})
    for found in letter.web:
        brand = _imitated(found)
        if brand:
            details = {"what": quoted(found.url.host), "brand": brand}
            yield Finding("brand_link", 1.0, "link", details)
            break


def _borrowed(letter: Letter) -> str:
    """The brand whose name the sender bears though he does not write from its domains."""
    name = fold(letter.sender.name)
    words = words_of(name)
    for brand in brands_in(words, name):
        is_ours = is_under(letter.sender.host or "-", BRANDS[brand])
        # "Apple Support" pretends, "Apple Tree Farm" does not.
        rest = {*words} - {*words_of(brand)}
        if not is_ours and (brand not in AMBIGUOUS or rest <= _SERVICES):
            return brand
    return ""


def _imitated(found: Reference) -> str:
    """The brand whose name or host a link shows while it leads to another's host."""
    host = found.url.host
    shown = shown_host(found.text)
    labels = re.split(r"[.-]", host)
    for brand in BRANDS.keys() & {*labels}:
        if brand in AMBIGUOUS or is_under(host, BRANDS[brand]):
            continue
        # paypal.com.example.net, secure-paypal.example; not the shop paypal-like.example sells.
        if (
            len(labels) >= 4
            or f"{brand}.com." in host
            or f"{brand}-" in host
            or f"-{brand}" in host
        ):
            return brand
    if shown and registered(shown) in _HOMES:
        brand = _HOMES[registered(shown)]
        if not is_under(host, BRANDS[brand]):
            return brand
    return ""


def _links(letter: Letter, own: frozenset[str], away: list[Reference]) -> Iterator[Finding]:
    by_rule: dict[str, Reference] = {}
    if letter.planted:
        by_rule["link_planted"] = letter.planted[0]
    for found in letter.web:
        url = found.url
        if url.user:
            by_rule.setdefault("link_user", found)
        if is_address(url.host) or url.port not in ("", "80", "443", "8080", "8443"):
            by_rule.setdefault("link_address", found)
        if "xn--" in url.host and registered(url.host) not in own:
            by_rule.setdefault("link_foreign", found)
    for found in away:
        url = found.url
        if url.domain in SHORTENERS:
            by_rule.setdefault("link_short", found)
        elif is_under(url.host, _SHARED):
            by_rule.setdefault("link_shared", found)
        if is_bait(url.host):
            by_rule.setdefault("link_bait", found)
        if url.host.rpartition(".")[2] in CHEAP_ENDINGS:
            by_rule.setdefault("link_cheap", found)
    is_short = letter.word_count < SHORT
    for rule, found in by_rule.items():
        is_light = rule in ("link_short", "link_shared") and not is_short
        yield Finding(rule, 0.4 if is_light else 1.0, "link", {"what": quoted(found.url.host)})
    if is_short and away and len(letter.web) == len(away) and not letter.is_encrypted:
        yield Finding("only_link", 1.0, "link", {"what": quoted(away[0].url.host)})
    image = next((one for one in away if one.has_image), None)
    if image and letter.word_count < FEW:
        yield Finding("image_link", 1.0, "link", {"what": quoted(image.url.host)})
    for found in letter.references:
        if found.url.scheme in ("data", "javascript", "vbscript", "file"):
            # A script in a link does nothing in a mail program; old templates have some.
            weight = 0.3 if found.url.scheme == "javascript" else 1.0
            yield Finding("link_code", weight, "link", {"what": quoted(found.url.written)})
            break


def _markup(letter: Letter) -> Iterator[Finding]:
    if any(page.asks_password for page in letter.pages):
        yield Finding("form", 1.0, "html", {"what": "password"})
    elif any(page.form_actions for page in letter.pages):
        actions = [action for page in letter.pages for action in page.form_actions]
        yield Finding("form", 0.4, "html", {"what": quoted(actions[0])})
    if any(
        page.scripts or page.refresh or any(map(_FRAME.match, page.embedded))
        for page in letter.pages
    ):
        # Structured data for mail programs is not run.
        if not all("@context" in page.scripts for page in letter.pages if page.scripts):
            yield Finding("script", 1.0, "html")
        elif any(page.refresh or page.embedded for page in letter.pages):
            yield Finding("script", 0.6, "html")


def _hidden(letter: Letter) -> Iterator[Finding]:
    hidden = [word for page in letter.pages for word in words_of(page.hidden)]
    faint = [word for page in letter.pages for word in words_of(page.faint)]
    if len(hidden) + len(faint) < HIDDEN_WORDS:
        return
    shown = set(letter.words)
    # A version for small screens says the same again.
    secret = [word for word in (*hidden, *faint) if word not in shown and not word.isdigit()]
    if len(secret) >= HIDDEN_WORDS and 3 * len(secret) > len(letter.words):
        details = {"what": quoted(" ".join(secret[:12])), "words": str(len(secret))}
        yield Finding("hidden_text", 1.0, "html", details)


def _sender(letter: Letter) -> Iterator[Finding]:
    local = letter.sender.address.rpartition("@")[0].lower()
    if is_random(local):
        details = {"what": quoted(letter.sender.address)}
        yield Finding("random_sender", 1.0, "header", details)
    subjects = letter.all("subject")
    tail = _TAIL.search(subjects[0].spaced.rstrip()[-200:]) if subjects else None
    if tail and (tail[1] or (is_random(tail[2]) and not _is_spoken(tail[2]))):
        yield Finding("subject_tail", 1.0, "subject", {"what": quoted(tail[0].strip())})
    script = letter.header("x-php-originating-script")
    if _INJECTED.search(script[:500]):
        yield Finding("injected_script", 1.0, "header", {"what": quoted(script)})
    mailer = letter.header("x-mailer")
    if _SHELL_MAILER.search(mailer[:500]):
        yield Finding("shell_mailer", 1.0, "header", {"what": quoted(mailer)})
    is_reply = bool(_REPLY.match(letter.subject))
    thread = letter.header("in-reply-to") or letter.header("references")
    own_id = letter.header("message-id")
    if (is_reply and not thread and not letter.is_visitors) or (own_id and own_id in thread):
        yield Finding("false_reply", 1.0, "subject", {"what": quoted(letter.subject)})
    reply_host = letter.reply_to.host
    if reply_host in FREE_MAIL and letter.sender.host != reply_host and not letter.is_visitors:
        details = {"what": quoted(letter.reply_to.address)}
        yield Finding("reply_elsewhere", 1.0, "header", details)


def _is_spoken(word: str) -> bool:
    """Whether a word has vowels enough to be one: Polish "wstrzymana" has five consonants first."""
    return word.isalpha() and 7 * sum(map(word.count, "aeiouy")) > 2 * len(word)


def is_random(local: str) -> bool:
    """Whether the part of an address before @ looks drawn by lot: xkqzvbt, a8f3k2q9x."""
    if not 7 <= len(local) <= 20 or not re.fullmatch(r"[a-z0-9._-]*", local):
        # Return paths and tagged addresses are made by programs that mean well.
        return False
    core = re.sub(r"[._-]", "", local)
    changes = len(re.findall(r"[a-z]\d|\d[a-z]", core))
    return changes >= 4 or bool(
        _CONSONANTS.search(core) and not core.isdigit() and "." not in local
    )
