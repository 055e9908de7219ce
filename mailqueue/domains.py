"""Names of domains as DNS has them, how they compare, and which of them lie below others. Pure.

Never raises on what strangers wrote: what is no domain is None.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator

# RFC 1035 §2.3.4, without the final dot.
LONGEST_NAME = 253
LONGEST_LABEL = 63
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
# Signs that stand for a dot (RFC 3490 §3.1).
_DOTS = re.compile("[\u3002\uff0e\uff61]")


def a_labels(domain: str) -> str | None:
    """The domain in lower case, each label in ASCII (RFC 5890); None if it is none.

    Letters are mapped as browsers do (UTS #46, non-transitional): ß stays itself. Whether all of
    them may stand in a name is for those to say who register it: a name that nobody has is not
    found.
    """
    labels = _DOTS.sub(".", domain).removesuffix(".").split(".")
    names = [_a_label(label) for label in labels]
    name = ".".join(label or "" for label in names)
    return name if all(names) and len(name) <= LONGEST_NAME else None


def ascii_name(name: str) -> str:
    """The domain as `a_labels` gives it; what is none, in lower case: nobody owns that."""
    return a_labels(name.strip()) or name.strip().removesuffix(".").lower()


def lineage(name: str) -> Iterator[str]:
    """The name itself, then what it lies below, as long as that has two labels."""
    name = ascii_name(name)
    while "." in name:
        yield name
        name = name.partition(".")[2]


def belongs(name: str, own: Collection[str]) -> bool:
    """Whether a name is one of `own`, or lies below one of them."""
    return any(one in own for one in lineage(name))


def _a_label(label: str) -> str | None:
    if not label.isascii():
        mapped = unicodedata.normalize("NFKC", label.lower())
        if not mapped.isascii():
            if not all(sign.isprintable() and not sign.isspace() for sign in mapped):
                return None
            mapped = f"xn--{mapped.encode('punycode').decode('ascii')}"
        label = mapped
    label = label.lower()
    return label if len(label) <= LONGEST_LABEL and _LABEL.fullmatch(label) else None
