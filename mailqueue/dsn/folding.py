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
    return table | {0xA0: " ", 0x3000: " ", 0x2011: "-", 0x2010: "-", 0x2013: "-", 0xAD: ""}


_BASES = _bases()


def fold(text: str) -> str:
    """Lower case, without accents: the form that all phrases are compared in. Linear."""
    lower = text.lower()
    return lower if lower.isascii() else lower.translate(_BASES)


def any_of(phrases: tuple[str, ...], text: str) -> bool:
    """Whether a folded text holds one of the phrases."""
    return any(phrase in text for phrase in phrases)
