"""Documents that carry programs: macros of old and new Office files, RTF, OneNote. Pure."""

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# Names of streams stand in UTF-16 in the directory of an OLE file ([MS-CFB] §2.6.1).
_VBA = "_VBA_PROJECT".encode("utf-16-le")
_SEALED = "EncryptedPackage".encode("utf-16-le")
# Macros that start by themselves, and what they then do; lower case.
_STARTS = tuple(
    name.encode()
    for name in [
        "autoopen",
        "auto_open",
        "autoexec",
        "autoclose",
        "auto_close",
        "document_open",
        "workbook_open",
        "document_close",
    ]
)
_ACTS = tuple(
    name.encode()
    for name in [
        "wscript.shell",
        "shell.application",
        "powershell",
        "msxml2.xmlhttp",
        "winhttp.",
        "urldownloadtofile",
        "createobject",
        "adodb.stream",
        "cmd.exe",
        "mshta",
        "certutil",
        "virtualalloc",
        "regsvr32",
        "rundll32",
    ]
)
_RTF_OBJECTS = (rb"\objdata", rb"\objupdate", rb"\objautlink", b"equation.3")
# How each module begins, compressed: "Attribute " after the flags of its first tokens.
_MODULE = b"\x00Attribut\x00e "
# Ours.
MAX_LOOKED_AT = 2 << 20
MAX_MODULES = 20
MAX_SOURCE = 1 << 14


def is_sealed(data: bytes) -> bool:
    """Whether it is an Office file that opens with a password only ([MS-OFFCRYPTO] §2.3)."""
    return data.startswith(OLE) and _SEALED in data


def has_macros(data: bytes) -> bool:
    """Whether an old Office file, or the project inside a new one, carries macros."""
    return data.startswith(OLE) and _VBA in data


def has_object(data: bytes) -> bool:
    """Whether an RTF document brings an object of another program, as exploits do."""
    return data[:64].lstrip().startswith(b"{\\rt") and _has_any(_RTF_OBJECTS, data)


def is_self_starting(data: bytes) -> bool:
    """Whether macros start by themselves and call for the system."""
    for source in (data, *_sources(data)):
        if _has_any(_STARTS, source) and _has_any(_ACTS, source):
            return True
    return False


def _has_any(words: tuple[bytes, ...], data: bytes) -> bool:
    lower = data[:MAX_LOOKED_AT].lower()
    return any(word in lower for word in words)


def _sources(data: bytes) -> list[bytes]:
    """The source of macro modules, unpacked.

    Note: a module whose sectors do not lie in a row is read up to the first gap only.
    """
    found: list[bytes] = []
    place = data.find(_MODULE)
    while place >= 3 and len(found) < MAX_MODULES:
        found.append(_unpacked(data, place - 3))
        place = data.find(_MODULE, place + 1)
    return found


def _unpacked(data: bytes, start: int) -> bytes:
    """A compressed container ([MS-OVBA] §2.4.1), as far as it can be read; at most `MAX_SOURCE`."""
    kept = bytearray()
    place = start + 1
    while place + 2 <= len(data) and len(kept) < MAX_SOURCE:
        header = data[place] | data[place + 1] << 8
        if header >> 12 & 7 != 3:
            break
        stop = min(len(data), place + 3 + (header & 0xFFF))
        begin = len(kept)
        place += 2
        if not header & 0x8000:
            kept += data[place:stop]
            place = stop
            continue
        while place < stop:
            flags = data[place]
            place += 1
            for bit in range(8):
                if place >= stop:
                    break
                if not flags >> bit & 1:
                    kept.append(data[place])
                    place += 1
                    continue
                if place + 2 > stop:
                    return bytes(kept)
                token = data[place] | data[place + 1] << 8
                place += 2
                # The further in, the more bits tell how far back (§2.4.1.3.19.1).
                back_bits = max(4, (len(kept) - begin - 1).bit_length()) if len(kept) > begin else 4
                length = (token & (0xFFFF >> back_bits)) + 3
                back = (token >> 16 - back_bits) + 1
                if back > len(kept) - begin:
                    return bytes(kept)
                for _ in range(length):
                    kept.append(kept[-back])
    return bytes(kept)
