"""What is inside archives, within bounds. Pure; never raises on foreign bytes.

Read by our own hand: `zipfile` takes in the whole table of contents first, and believes its sizes.
Here names, bytes and levels are counted down together, whatever the archive says of itself.
"""

import bz2
import lzma
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

# Ours. Together for all archives of a message.
MAX_ENTRIES = 300
MAX_UNPACKED = 4 << 20
MAX_DEPTH = 4
# Of each file inside: the front tells what it is, macros stand further in.
MAX_ENTRY = 1 << 20

_LOCAL = b"PK\x03\x04"
_CENTRAL = b"PK\x01\x02"
_END = b"PK\x05\x06"
_RAR = b"Rar!\x1a\x07"
_SEVEN = b"7z\xbc\xaf\x27\x1c"
_XZ = b"\xfd7zXZ\x00"
_ENDING_INSIDE = re.compile(
    rb"[\w)\]-]\.(?:exe|scr|pif|com|bat|cmd|vbs|vbe|js|jse|wsf|hta|lnk|ps1|jar|msi)(?![\w.])", re.I
)
_NAME = re.compile(rb"[\w ()\[\]&+,.-]{1,80}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file inside an archive: its path, as much of its content as was unpacked.

    `is_sealed` says that it is encrypted and its content unknown.
    """

    name: str
    content: bytes
    is_sealed: bool = False


@dataclass(slots=True)
class Budget:
    """What may still be unpacked of one message; `is_spent` once something was left out."""

    entries: int = MAX_ENTRIES
    unpacked: int = MAX_UNPACKED
    is_spent: bool = False

    def takes(self) -> bool:
        """Whether one more entry may be looked at."""
        if self.entries <= 0 or self.unpacked <= 0:
            self.is_spent = True
            return False
        self.entries -= 1
        return True


def is_archive(data: bytes) -> bool:
    """Whether bytes are an archive that can be looked into, at least by its names."""
    return data.startswith((_LOCAL, _END, _RAR, _SEVEN, _XZ, b"\x1f\x8b", b"BZh")) or _is_tar(data)


def names_program(data: bytes) -> bool:
    """Whether the name of a program stands in the open, as in the picture of a disk."""
    return bool(_ENDING_INSIDE.search(data[:MAX_ENTRY]))


def entries(data: bytes, name: str, budget: Budget) -> Iterator[Entry]:
    """The files of an archive, not of archives inside it; nothing where it cannot be read."""
    if data.startswith((_LOCAL, _END)):
        yield from _zip(data, budget)
    elif data.startswith(_RAR):
        yield from _named(data, _is_sealed_rar(data), budget)
    elif data.startswith(_SEVEN):
        # Its table of contents is packed, too.
        budget.is_spent = True
    elif _is_tar(data):
        yield from _tar(data, budget)
    else:
        yield from _single(data, name, budget)


def _zip(data: bytes, budget: Budget) -> Iterator[Entry]:
    """By its table of contents; where that is missing, by the headers before each file."""
    end = data.rfind(_END, max(0, len(data) - 66_000))
    place = -1
    if 0 <= end <= len(data) - 22:
        place = struct.unpack_from("<I", data, end + 16)[0]
    is_central = 0 <= place < len(data) and data.startswith(_CENTRAL, place)
    if not is_central:
        yield from _zip_by_locals(data, budget)
        return
    while data.startswith(_CENTRAL, place) and place + 46 <= len(data):
        if not budget.takes():
            return
        flags, method = struct.unpack_from("<HH", data, place + 8)
        packed = struct.unpack_from("<I", data, place + 20)[0]
        lengths = struct.unpack_from("<HHH", data, place + 28)
        local = struct.unpack_from("<I", data, place + 42)[0]
        name = data[place + 46 : place + 46 + lengths[0]]
        place += 46 + sum(lengths)
        start = _content_start(data, local)
        yield _zip_entry(data, name, flags, method, start, packed, budget)


def _zip_by_locals(data: bytes, budget: Budget) -> Iterator[Entry]:
    place = data.find(_LOCAL)
    while 0 <= place <= len(data) - 30:
        if not budget.takes():
            return
        flags, method = struct.unpack_from("<HH", data, place + 6)
        packed = struct.unpack_from("<I", data, place + 18)[0]
        length = struct.unpack_from("<H", data, place + 26)[0]
        start = _content_start(data, place)
        name = data[place + 30 : place + 30 + length]
        place = data.find(_LOCAL, max(start, place + 4))
        if not packed:
            packed = (place if place >= 0 else len(data)) - start
        yield _zip_entry(data, name, flags, method, start, packed, budget)


def _content_start(data: bytes, local: int) -> int:
    if not data.startswith(_LOCAL, local) or local + 30 > len(data):
        return len(data)
    name, extra = struct.unpack_from("<HH", data, local + 26)
    return local + 30 + int(name) + int(extra)


def _zip_entry(
    data: bytes, name: bytes, flags: int, method: int, start: int, packed: int, budget: Budget
) -> Entry:
    text = name[:300].decode("utf-8" if flags & 0x800 else "cp437", "replace")
    if flags & 1:
        return Entry(text, b"", is_sealed=True)
    raw = data[start : start + min(packed, MAX_ENTRY)]
    if method == 0:
        content = raw
    elif method == 8:
        content = _inflated(raw, -15, budget)
    else:
        # Methods that only few programs know: the name has to do.
        content = b""
    budget.unpacked -= len(content)
    return Entry(text, content)


def _inflated(raw: bytes, window: int, budget: Budget) -> bytes:
    limit = max(1, min(MAX_ENTRY, budget.unpacked))
    try:
        return zlib.decompressobj(window).decompress(raw, limit)
    except zlib.error:
        return b""


def _single(data: bytes, name: str, budget: Budget) -> Iterator[Entry]:
    """One packed file: gzip, bzip2, xz. It is called as the archive, without its last ending."""
    if not budget.takes():
        return
    limit = max(1, min(MAX_ENTRY, budget.unpacked))
    content = b""
    try:
        if data.startswith(b"\x1f\x8b"):
            content = _inflated(data, 31, budget)
        elif data.startswith(b"BZh"):
            content = bz2.BZ2Decompressor().decompress(data, limit)
        elif data.startswith(_XZ):
            content = lzma.LZMADecompressor(memlimit=32 << 20).decompress(data, limit)
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        # Broken: nobody can unpack it, and its name was looked at already.
        return
    budget.unpacked -= len(content)
    stem = name.lower()
    for ending in (".tgz", ".tbz", ".txz"):
        if stem.endswith(ending):
            name = name[: -len(ending)] + ".tar.x"
    yield Entry(name.rpartition(".")[0] or name, content)


def _is_tar(data: bytes) -> bool:
    return data[257:262] == b"ustar"


def _tar(data: bytes, budget: Budget) -> Iterator[Entry]:
    place = 0
    while place + 512 <= len(data) and data[place] and budget.takes():
        digits = data[place + 124 : place + 135].strip(b"\0 ")
        if not re.fullmatch(rb"[0-7]{1,11}", digits):
            return
        size = int(digits, 8)
        name = data[place : place + 100].split(b"\0")[0].decode("utf-8", "replace")
        content = data[place + 512 : place + 512 + min(size, MAX_ENTRY)]
        budget.unpacked -= len(content)
        yield Entry(name, content)
        place += 512 + (size + 511) // 512 * 512


def _is_sealed_rar(data: bytes) -> bool:
    if data.startswith(_RAR + b"\x01\x00"):
        # RAR 5: the header of encryption (type 4) comes first, if there is one.
        return data[8 + 4 + 1 : 8 + 4 + 2] == b"\x04"
    # RAR 4: flag 0x80 of the archive's header, or 0x04 of the first file's.
    return len(data) > 34 and bool(data[10] & 0x80 or data[7 + 13 + 3] & 0x04)


def _named(data: bytes, is_sealed: bool, budget: Budget) -> Iterator[Entry]:
    """Names that stand in the open, for archives whose packing is not ours to undo."""
    if is_sealed:
        yield Entry("", b"", is_sealed=True)
    budget.is_spent = True
    for match in _ENDING_INSIDE.finditer(data[:MAX_ENTRY]):
        if not budget.takes():
            return
        name = _NAME.search(data[max(0, match.end() - 80) : match.end()])
        yield Entry(name[0].decode("latin-1").strip() if name else "", b"", is_sealed)
