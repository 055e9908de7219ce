"""The form in which all phrases are compared: lower case, without accents. Pure; linear."""

import unicodedata


def _bases() -> dict[int, str]:
    """Letters with accents, and wide ASCII, to their plain form; dakuten stay."""
    ranges = ((0xC0, 0x250), (0x400, 0x460), (0x1E00, 0x1F00), (0xFF01, 0xFF5F))
    table = {}
    for code in (code for start, end in ranges for code in range(start, end)):
        plain = "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if c.isprintable())
        table[code] = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    # No decomposition, or another one in use.
    table |= {0xDF: "ss", 0xF8: "o", 0x142: "l", 0x2019: "'", 0x2018: "'", 0x439: "й", 0x419: "й"}
    table |= {0xA0: " ", 0x3000: " ", 0x2011: "-", 0x2010: "-", 0x2013: "-", 0xAD: ""}
    # One step must be enough, also for signs with two marks (Ǿ): `fold` replaces in any order.
    return {code: plain.translate(table) for code, plain in table.items()}


_BASES = _bases()
_SIGNS = frozenset(map(chr, _BASES))
# Ours. Of more different signs than this, one walk through the table is cheaper.
_FEW = 32


def fold(text: str) -> str:
    """Lower case, without accents: the form that all phrases are compared in. Linear."""
    lower = text.lower()
    if lower.isascii():
        return lower
    # A text has a dozen of such signs, again and again: replacing each takes a third of the time.
    signs = _SIGNS.intersection(lower)
    if len(signs) > _FEW:
        return lower.translate(_BASES)
    for sign in signs:
        lower = lower.replace(sign, _BASES[ord(sign)])
    return lower


def any_of(phrases: tuple[str, ...], text: str) -> bool:
    """Whether a folded text holds one of the phrases."""
    return any(phrase in text for phrase in phrases)
