"""A message as the rules look at it: its headers, what people read, and where links lead. Pure."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mailqueue.dsn.folding import fold
from mailqueue.screening import links, mime, page
from mailqueue.screening.hosts import registered
from mailqueue.screening.links import Url
from mailqueue.screening.mime import Header, Leaf, Message
from mailqueue.screening.page import Page
from mailqueue.screening.words import Words, is_east_asian, words_of, words_of_folded

# Ours. What is beyond this of one part, or of all, is not read.
MAX_PART = 1 << 18
MAX_TEXT = 1 << 19
MAX_TEXT_PARTS = 40
# So many different ones make a form.
LABELS = 3

_MAILBOX = re.compile(r"([^<>]{0,400})<\s{0,9}([^<>\s]{0,320})\s{0,9}>")
_BARE = re.compile(r"[^\s<>,;\"()]{1,200}@[^\s<>,;\"()]{1,255}")
# A line as contact forms and notices of comments write it: a label, and what a visitor typed.
_LABEL = re.compile(
    r"^[ \t>*]{0,4}(?:your |votre |ihre? )?"
    r"(name|nom|nom complet|prenom|first name|last name|full name|vorname|nachname|nombre|nome|"
    r"e-?mail|courriel|adresse e-?mail|email address|e-?mail-adresse|correo|"
    r"telephone|phone|tel|telefon|telefono|"
    r"subject|sujet|objet|betreff|asunto|oggetto|message|nachricht|mensaje|messaggio|"
    r"comment|commentaire|kommentar|comentario|author|auteur|autor|"
    r"url|website|site web|ip|ip address|adresse ip|company|societe|firma|"
    r"お名前|氏名|メールアドレス|電話番号|お問い合わせ内容|件名|コメント)"
    r"[ \t]{0,4}[:：]",
    re.M,
)
_ENCRYPTED = frozenset(
    {"application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_MODERATION = re.compile(
    r"wp-admin/|action=(?:approve|spam|trash|delete)|moderat|/administrator/", re.I
)
# A page where a site keeps no pages: among uploads, themes, certificates.
_PLANTED = re.compile(
    r"/(?:wp-content/(?:uploads|plugins|themes|languages|cache)|wp-includes|wp-admin/(?:css|js|images|includes)|"
    r"\.well-known|cgi-bin/\w{1,40}|(?:images|img|css|js|media|tmp|cache|administrator/components)/[\w-]{1,60})"
    r"/(?:[\w.%-]{1,80}/){0,8}(?:[\w-]{1,80}\.(?:php|html?)(?:[?#]|\Z)|(?:[\w-]{0,40}(?:login|signin|secure|verif|account|update|bank)[\w-]{0,40}/?(?:[?#]|\Z)))",
    re.I,
)
# Folders of programs, which have no page at all, not even one without a name.
_PROGRAM_FOLDER = re.compile(
    r"/(?:wp-includes|wp-admin/(?:css|js|images|includes))/(?:[\w.%-]{1,80}/){0,8}(?:[?#]|\Z)", re.I
)
_ASIAN_LETTER = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Mailbox(NamedTuple):
    """A name and an address."""

    name: str = ""
    address: str = ""

    @property
    def host(self) -> str:
        """The domain of the address, in lower case."""
        return self.address.rpartition("@")[2].lower()


class Reference(NamedTuple):
    """A link of the message: where it leads, and what a reader sees of it."""

    url: Url
    text: str
    has_image: bool
    is_shown: bool


@dataclass
class Letter:
    """A message as the rules look at it; what is dear is made once, when it is asked for."""

    message: Message
    plain: str = ""
    pages: list[Page] = field(default_factory=list)
    is_encrypted: bool = False
    # Longer than what is read of a text.
    is_long: bool = False

    @cached_property
    def _headers(self) -> dict[str, list[Header]]:
        found: dict[str, list[Header]] = {}
        for header in self.message.headers:
            found.setdefault(header.name, []).append(header)
        return found

    def all(self, name: str) -> list[Header]:
        """The header fields of a name in lower case."""
        return self._headers.get(name, [])

    def header(self, name: str) -> str:
        """The first field of that name as text, "" if there is none."""
        found = self._headers.get(name)
        return found[0].text if found else ""

    @cached_property
    def subject(self) -> str:
        """The subject as people read it."""
        return self.header("subject")

    @cached_property
    def sender(self) -> Mailbox:
        """Who wrote it, as From says."""
        return mailbox(self.header("from"))

    @cached_property
    def reply_to(self) -> Mailbox:
        """Who gets the answers, as Reply-To says."""
        return mailbox(self.header("reply-to"))

    @cached_property
    def read(self) -> str:
        """What people read of it: its HTML, or its text if that has none."""
        shown = "\n".join(found.text for found in self.pages)
        # Where HTML is but a frame, the text may say what it is about.
        return shown if len(shown.strip()) > 40 else f"{self.plain}\n{shown}"

    @cached_property
    def words(self) -> list[str]:
        """The words that people read, the subject's first."""
        return words_of_folded(self.folded)

    @cached_property
    def phrased(self) -> Words:
        """The same, as phrases are looked for."""
        return Words(self.words, self.folded)

    @cached_property
    def word_count(self) -> int:
        """How many words the text has; two signs of Japanese or Chinese are one."""
        text = self.read
        if self.folded.isascii() or not is_east_asian(text):
            return len(self.words) - len(words_of(self.subject))
        return len(words_of(text)) + len(_ASIAN_LETTER.findall(text)) // 2

    @cached_property
    def folded(self) -> str:
        """Subject and text, folded."""
        return fold(f"{self.subject}\n{self.read[:MAX_PART]}")

    @cached_property
    def references(self) -> list[Reference]:
        """The links of the message, in order."""
        found: list[Reference] = []
        for one in self.pages:
            for link in one.links:
                shown = " ".join(link.text.split())
                is_shown = bool(shown) or link.has_image
                found.append(Reference(links.parse(link.href), shown, link.has_image, is_shown))
        text = self.plain if not self.pages else "\n".join(p.text[:MAX_PART] for p in self.pages)
        if not self._has_written_links:
            return found
        known = {reference.url.written for reference in found}
        found += [
            Reference(links.parse(written), "", has_image=False, is_shown=True)
            for written in links.in_text(text)
            if written not in known
        ]
        return found

    @property
    def _has_written_links(self) -> bool:
        """Whether links may stand in its text; where not, nobody need look for them."""
        is_folded_whole = len(self.read) <= MAX_PART
        return not is_folded_whole or "http" in self.folded or "www." in self.folded

    @cached_property
    def web(self) -> list[Reference]:
        """The links that lead to a host."""
        return [found for found in self.references if found.url.is_web and not found.url.flaw]

    @cached_property
    def planted(self) -> list[Reference]:
        """Those that lead to a page where a site keeps no pages."""
        return [
            found
            for found in self.web
            if _PLANTED.search(found.url.path) or _PROGRAM_FOLDER.search(found.url.path)
        ]

    @cached_property
    def attachments(self) -> list[Leaf]:
        """The files that come with it."""
        return [leaf for leaf in self.message.leaves if leaf.is_attached]

    @cached_property
    def is_visitors(self) -> bool:
        """Whether it passes on what a visitor typed, as contact forms and comments do."""
        text = self.folded[:20_000]
        if text.count(":") + text.count("：") < LABELS:
            return False
        return len({match[1] for match in _LABEL.finditer(text)}) >= LABELS

    @cached_property
    def is_notice(self) -> bool:
        """Whether it asks the owner of the site what to do with what a visitor wrote."""
        own = registered(self.sender.host or "-")
        return self.is_visitors and any(
            found.url.domain == own and _MODERATION.search(found.url.path) for found in self.web
        )

    @cached_property
    def is_bulk(self) -> bool:
        """Whether it says of itself that it goes to a list, and how to leave it."""
        return bool(self.header("list-unsubscribe") or self.header("list-id"))


def mailbox(text: str) -> Mailbox:
    """The first name and address of a header field."""
    match = _MAILBOX.search(text[:2000])
    if match:
        return Mailbox(match[1].strip().strip('"').strip(), match[2])
    found = _BARE.search(text[:2000])
    return Mailbox("", found[0]) if found else Mailbox(text[:200].strip())


def read(data: bytes) -> Letter:
    """A message as the rules look at it. Never raises; reads `MAX_TEXT` of its text."""
    message = mime.take_apart(data)
    letter = Letter(message)
    plain: list[str] = []
    room, parts = MAX_TEXT, MAX_TEXT_PARTS
    for leaf in message.leaves:
        if leaf.kind in _ENCRYPTED:
            letter.is_encrypted = True
        # What is within an attached message, others wrote.
        if not leaf.kind.startswith("text/") or leaf.is_attached or leaf.is_within:
            continue
        if room <= 0 or parts <= 0:
            letter.is_long = True
            break
        text = message.text(leaf, min(MAX_PART, room))
        letter.is_long = letter.is_long or message.size(leaf) > min(MAX_PART, room)
        room, parts = room - len(text), parts - 1
        if leaf.kind == "text/html":
            found = page.read(text)
            letter.is_long = letter.is_long or found.is_cut
            letter.pages.append(found)
        elif leaf.kind != "text/x-amp-html":
            plain.append(text)
    letter.plain = "\n".join(plain)
    if "-----BEGIN PGP MESSAGE-----" in letter.plain:
        letter.is_encrypted = True
    return letter
