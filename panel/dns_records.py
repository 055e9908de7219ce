"""The records by which others trust the mail of a domain: DKIM, SPF, DMARC, the way back.

Owns what they are called and say. Whether DNS has them is for `dns_check`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from django.conf import settings
from django.utils.translation import gettext as _

from mailqueue import signing_keys
from mailqueue.domains import ascii_name
from mailqueue.models import SigningKey

DMARC = "v=DMARC1; p=none"


class Kind(StrEnum):
    """What a record is for."""

    DKIM = "dkim"
    SPF = "spf"
    DMARC = "dmarc"
    # The mail exchanger of the return path.
    MX = "mx"


@dataclass(frozen=True, slots=True)
class Record:
    """A record to publish: its name and value, what it is for, and the key in it, if one is."""

    kind: Kind
    name: str
    value: str
    title: str
    hint: str = ""
    key: SigningKey | None = None

    @property
    def type(self) -> str:
        """The type of the record."""
        return "MX" if self.kind is Kind.MX else "TXT"

    @property
    def zone_line(self) -> str:
        """The record as a zone file has it: a text in strings of at most 255 signs."""
        if self.kind is Kind.MX:
            return f"{self.name}. IN MX {self.value}."
        strings = " ".join(f'"{part}"' for part in signing_keys.strings(self.value))
        return f"{self.name}. IN TXT ( {strings} )"


def written(network: IPv4Network | IPv6Network) -> str:
    """A network as records have it: a single address without its length."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def of_domain(domain: str, keys: Iterable[SigningKey]) -> list[Record]:
    """The records of a domain in whose name mail goes out; `keys` are those not retired."""
    return [
        *(_dkim(key) for key in keys),
        Record(Kind.SPF, domain, _spf(domain), _("SPF: who may send for the domain")),
        Record(
            Kind.DMARC,
            f"_dmarc.{domain}",
            DMARC,
            _("DMARC: what becomes of mail that is neither signed nor sent by it"),
            _(
                "Begin with “none”. When everything has been signed for some weeks, “quarantine”"
                " keeps forgeries away."
            ),
        ),
    ]


def of_house() -> list[Record]:
    """What the house publishes beside that: whose mail is sent from here, and the way back."""
    found = []
    if settings.SPF_INCLUDE:
        found.append(
            Record(
                Kind.SPF,
                settings.SPF_INCLUDE,
                _spf_of_addresses(),
                _("SPF: the addresses of this server, for the records of all domains"),
            )
        )
    if settings.BOUNCE_DOMAIN:
        found += [
            Record(
                Kind.MX,
                settings.BOUNCE_DOMAIN,
                f"10 {ascii_name(settings.HOSTNAME)}",
                _("Return path: where e-mails that could not be delivered come back"),
            ),
            Record(
                Kind.SPF,
                settings.BOUNCE_DOMAIN,
                _spf(settings.BOUNCE_DOMAIN),
                _("SPF of the return path: all mail leaves in this domain’s name"),
            ),
        ]
    return found


def _dkim(key: SigningKey) -> Record:
    return Record(
        Kind.DKIM,
        signing_keys.record_name(key),
        signing_keys.record_value(key),
        _("DKIM: the key %(selector)s (%(algorithm)s)")
        % {"selector": key.selector, "algorithm": key.get_algorithm_display()},
        key=key,
    )


def _spf(domain: str) -> str:
    if settings.SPF_INCLUDE and domain != settings.SPF_INCLUDE:
        return f"v=spf1 include:{settings.SPF_INCLUDE} ~all"
    return _spf_of_addresses()


def _spf_of_addresses() -> str:
    terms = [f"ip{one.version}:{written(one)}" for one in settings.OUTBOUND_ADDRESSES]
    # Without a word about addresses, the host's own are the best guess.
    return " ".join(["v=spf1", *(terms or [f"a:{ascii_name(settings.HOSTNAME)}"]), "~all"])
