"""Names of domains: how they compare, and which of them lie below others. Pure."""

from collections.abc import Collection, Iterator


def ascii_name(name: str) -> str:
    """The name as DNS has it: lower case, without a last dot, in ASCII (RFC 5891).

    What has no such form stays as it is, in lower case; it is no name that anybody owns.
    """
    name = name.strip().removesuffix(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name


def lineage(name: str) -> Iterator[str]:
    """The name itself, then what it lies below, as long as that has two labels."""
    name = ascii_name(name)
    while "." in name:
        yield name
        name = name.partition(".")[2]


def belongs(name: str, own: Collection[str]) -> bool:
    """Whether a name is one of `own`, or lies below one of them."""
    return any(one in own for one in lineage(name))
