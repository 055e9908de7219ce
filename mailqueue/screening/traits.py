"""What others look up or count of a message: hosts, the visitor's address, marks of its parts.

Pure. A mark is a number that equal things share, and that tells nothing of them: behaviour over
time is counted by marks, so that no texts are kept for it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address

from mailqueue.screening.deceit import elsewhere, own_domains
from mailqueue.screening.hosts import is_address
from mailqueue.screening.letter import Letter, mailbox
from mailqueue.screening.verdicts import Context

# Bits of a mark: a number of JSON has room for them.
MARK_BITS = 48
# Ours. A digest of links has more, and its first ones tell enough.
MOST_HOSTS = 10
# Of a text so much is compared; and of one with fewer words nothing.
COMPARED = 8000
FEWEST_WORDS = 8

# What forms and hosters write: Hotmail's field, which Dotclear and many forms took up; e-mails of
# shops and CMSs; NMS FormMail. `[192.0.2.1]` or bare.
_VISITOR = ("x-originating-ip", "x-sender-ip", "x-http-client", "x-client-ip", "x-remote-ip")
# cPanel's PHP: "www.shop.example/contact.php for 192.0.2.1, 10.0.0.1", proxies after the visitor.
_FOR = re.compile(r"\sfor\s([0-9a-f.:, ]{3,200})\Z", re.I)
# phpBB's and its kin's, one of several fields of that name.
_USER_IP = re.compile(r"user ip - (\S{3,45})", re.I)
_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Traits:
    """What others look up or count of a message.

    `hosts` are those that it links to, in lower case, up to MOST_HOSTS; `secure_hosts` those of
    them that https links name, at the usual port. `visitor` is the public IP address of who filled
    in the form, as far as the script tells it, else "". `subject` stands as people read it.
    Marks: `sender` of name and address in From; `subject_mark`; `text` of the text without links,
    names and figures, 0 if that is too short to tell; `link_domains` of the strange domains that
    links lead to.
    """

    hosts: tuple[str, ...]
    secure_hosts: frozenset[str]
    visitor: str
    subject: str
    sender: int
    subject_mark: int
    text: int
    link_domains: tuple[int, ...]


def mark(text: str) -> int:
    """A number of MARK_BITS for a text, the same wherever it is made."""
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=MARK_BITS // 8).digest()
    return int.from_bytes(digest)


def traits(letter: Letter, context: Context) -> Traits:
    """What is looked up or counted of a message that was read. Never raises."""
    names = _names(letter)
    web = [found.url for found in letter.web if not is_address(found.url.host)]
    hosts = tuple(dict.fromkeys(url.host for url in web))[:MOST_HOSTS]
    secure = {url.host for url in web if url.scheme == "https" and url.port in ("", "443")}
    strange = dict.fromkeys(
        one.url.domain for one in elsewhere(letter, own_domains(letter, context))
    )
    return Traits(
        hosts=hosts,
        secure_hosts=frozenset(secure.intersection(hosts)),
        visitor=_visitor(letter),
        subject=letter.subject,
        sender=mark(letter.header("from").casefold()),
        subject_mark=mark(" ".join(_without(letter.subject.casefold().split(), names))),
        text=_text_mark(letter, names),
        link_domains=tuple(map(mark, [*strange][:MOST_HOSTS])),
    )


def _names(letter: Letter) -> frozenset[str]:
    """What people are called whom it is for: copies of one letter differ in that."""
    to = mailbox(letter.header("to"))
    local_part = to.address.rpartition("@")[0]
    words = _WORDS.split(f"{to.name} {local_part}".casefold())
    return frozenset(word for word in words if len(word) > 1)


def _without(words: Iterable[str], names: frozenset[str]) -> list[str]:
    return [word for word in words if not names.intersection(_WORDS.split(word))]


def _text_mark(letter: Letter, names: frozenset[str]) -> int:
    # Words of small letters only: names, figures, addresses and links are what copies differ in.
    words = [
        word
        for word in letter.read[:COMPARED].split()
        if word.isalpha() and not word[0].isupper() and word not in names
    ]
    return mark(" ".join(words)) if len(words) >= FEWEST_WORDS else 0


def _visitor(letter: Letter) -> str:
    told = [letter.header(name) for name in _VISITOR]
    told += [match[1] for match in [_FOR.search(letter.header("x-php-script"))] if match]
    told += [match[1] for one in letter.all("x-antiabuse") if (match := _USER_IP.match(one.text))]
    for text in told:
        # The first of several is the visitor; proxies add themselves behind.
        found = _public(text.partition(",")[0].strip(" []"))
        if found:
            return found
    return ""


def _public(text: str) -> str:
    """An address that anybody in the world may have, in its usual form; "" for all else."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str(address) if address.is_global and not address.is_multicast else ""
