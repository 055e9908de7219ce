"""Files that come with a message: programs, macros, archives. Content before names. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailqueue.screening import archives, office, page
from mailqueue.screening.archives import Budget
from mailqueue.screening.letter import Letter
from mailqueue.screening.mime import Leaf
from mailqueue.screening.verdicts import Finding, quoted

# Ours. A message has 10 MiB at most, so this is all of it.
MAX_CONTENT = 10 << 20
FRONT = 4096
MAX_MARKUP = 1 << 17

# What Windows or a program host starts by name.
PROGRAMS = frozenset(
    [
        "exe",
        "scr",
        "pif",
        "com",
        "bat",
        "cmd",
        "vbs",
        "vbe",
        "js",
        "jse",
        "wsf",
        "wsh",
        "hta",
        "lnk",
        "ps1",
        "psm1",
        "jar",
        "msi",
        "msp",
        "cpl",
        "dll",
        "reg",
        "chm",
        "inf",
        "application",
        "gadget",
        "msc",
        "sct",
        "vb",
        "ws",
        "xll",
        "iqy",
        "appx",
        "msix",
        "scf",
        "url",
        "library-ms",
        "search-ms",
        "elf",
        "app",
    ]
)
# Of these, the ones that honest people send as source or as a shortcut to a page.
_MILD = frozenset(
    {"js", "reg", "inf", "url", "jar", "ps1", "psm1", "vb", "app", "com", "bat", "cmd", "dll"}
)
_MACRO_NAMES = frozenset(
    {"docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppam", "ppsm", "sldm"}
)
_DOCUMENTS = frozenset(
    [
        "pdf",
        "doc",
        "docx",
        "xls",
        "xlsx",
        "ppt",
        "pptx",
        "rtf",
        "txt",
        "jpg",
        "jpeg",
        "png",
        "gif",
        "html",
        "htm",
        "csv",
        "odt",
        "ods",
        "mp3",
        "mp4",
        "zip",
    ]
)
_HINTS = frozenset({"xml", "xlsx", "xls"})
_MARKUP = frozenset({"html", "htm", "shtml", "xhtml", "svg", "mht"})
_IMAGES_OF_DISKS = frozenset({"iso", "img", "vhd", "vhdx", "udf"})
_SIGNATURES = (
    b"MZ",
    b"\x7fELF",
    b"L\x00\x00\x00\x01\x14\x02\x00",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
)
_ONENOTE = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d"
# The test file that every scanner knows (EICAR); in two pieces, lest one knows this file.
_EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_SCRIPT_START = re.compile(
    rb"\s{0,99}(?:@echo off|powershell[ .]|wscript\.|set \w{1,20}\s?=\s?createobject|"
    rb"dim \w{1,20}\r?\n|"
    rb"on error resume next|<job\b|<hta:application|cmd /c )",
    re.I,
)
_PDF_ACTS = re.compile(rb"/(?:JavaScript|JS|Launch)\b[\s(/<]")
_HIDING_SCRIPT = re.compile(
    r"unescape\(|atob\(|fromcharcode|document\.write\(|eval\(|location\.(?:href|replace|assign)|window\.location|createobjecturl|mssaveor",
    re.I,
)
_PASSWORD = re.compile(
    r"(?:password|passwort|mot de passe|contrasena|passcode|kennwort|パスワード)"
    r"[ \w]{0,20}\s?[:：=is]{1,3}\s?\S{3,}"
)


@dataclass(slots=True)
class _Search:
    letter: Letter
    budget: Budget
    has_executable: bool = False
    has_sealed: bool = False

    def file(
        self, name: str, content: bytes, depth: int, is_sealed: bool = False
    ) -> Iterator[Finding]:
        """What one file is, and what is inside of it."""
        ending = _ending(name)
        details = {"what": quoted(name) or ending or "?"}
        if is_sealed:
            if not self.has_sealed:
                self.has_sealed = True
                yield Finding("sealed_archive", 1.0, "attachment", details)
            if ending in PROGRAMS:
                self.has_executable = True
                yield Finding("executable", 1.0, "attachment", details)
            return
        yield from self._program(name, content, details, depth)
        yield from self._document(ending, content, details, depth)
        if archives.is_archive(content):
            if depth >= archives.MAX_DEPTH:
                self.budget.is_spent = True
                return
            for entry in archives.entries(content, name, self.budget):
                if "macrosheets/" in entry.name:
                    yield Finding("macros", 1.0, "attachment", details)
                yield from self.file(entry.name, entry.content, depth + 1, entry.is_sealed)

    def _program(
        self, name: str, content: bytes, details: dict[str, str], depth: int
    ) -> Iterator[Finding]:
        ending = _ending(name)
        if _EICAR in content[:1024]:
            yield Finding("malware", 1.0, "attachment", details)
        is_program = content.startswith(_SIGNATURES[1:]) or _is_windows(content)
        if is_program and ending in _DOCUMENTS:
            # It says that it is a document, and is not.
            yield Finding("malware", 1.0, "attachment", details)
        elif ending in PROGRAMS and _is_disguised(name):
            yield Finding("malware", 1.0, "attachment", details)
        elif is_program or ending in PROGRAMS or _SCRIPT_START.match(content[:400]):
            self.has_executable = True
            is_mild = ending in _MILD and not is_program and not depth
            yield Finding("executable", 0.5 if is_mild else 1.0, "attachment", details)
        elif ending in _IMAGES_OF_DISKS and archives.names_program(content):
            self.has_executable = True
            yield Finding("executable", 1.0, "attachment", details)

    def _document(
        self, ending: str, content: bytes, details: dict[str, str], depth: int
    ) -> Iterator[Finding]:
        if office.is_sealed(content):
            yield Finding("sealed_archive", 0.6, "attachment", details)
        elif office.has_macros(content):
            if office.is_self_starting(content):
                yield Finding("malware", 1.0, "attachment", details)
            else:
                yield Finding("macros", 1.0, "attachment", details)
        elif ending in _MACRO_NAMES or office.has_object(content) or content.startswith(_ONENOTE):
            yield Finding("macros", 1.0, "attachment", details)
        elif content.startswith(b"%PDF-") and _PDF_ACTS.search(content[: 1 << 20]):
            yield Finding("macros", 0.4, "attachment", details)
        elif ending in _HINTS and not (depth and ending == "xml"):
            # New Office files are archives of XML.
            yield Finding("office_file", 1.0, "attachment", details)
        elif ending in _MARKUP or _is_markup(content):
            yield from self._markup(content, details)

    def _markup(self, content: bytes, details: dict[str, str]) -> Iterator[Finding]:
        """A page that opens in the browser, outside of what mail programs forbid."""
        found = page.read(content[:MAX_MARKUP].decode("utf-8", "replace"))
        if found.asks_password or (found.scripts and _HIDING_SCRIPT.search(found.scripts)):
            yield Finding("page_attached", 1.0, "attachment", details)
        elif found.form_actions or found.refresh or found.scripts:
            yield Finding("page_attached", 0.5, "attachment", details)


def check(letter: Letter) -> Iterator[Finding]:
    """What is wrong with the files of a message; each rule at most once, its heaviest case."""
    search = _Search(letter, Budget())
    heaviest: dict[str, Finding] = {}
    for leaf in _files(letter):
        content = letter.message.content(leaf, MAX_CONTENT if _may_hold(letter, leaf) else FRONT)
        for finding in search.file(leaf.name, content, 0):
            known = heaviest.get(finding.rule)
            if known is None or finding.score > known.score:
                heaviest[finding.rule] = finding
    yield from heaviest.values()
    if search.budget.is_spent:
        yield Finding("archive_unread", 1.0, "attachment")
    if search.has_sealed and _PASSWORD.search(letter.folded):
        yield Finding("sealed_with_key", 1.0, "attachment")
        if search.has_executable:
            yield Finding("malware", 1.0, "attachment", {"what": heaviest["executable"].about})


def _files(letter: Letter) -> list[Leaf]:
    """All leaves that are not plainly text, those of attached messages too."""
    return [
        leaf
        for leaf in letter.message.leaves
        if leaf.is_attached or not leaf.kind.startswith("text/")
    ]


def _may_hold(letter: Letter, leaf: Leaf) -> bool:
    """Whether more than the front of a file is needed to tell what is inside."""
    front = letter.message.content(leaf, 512)
    return (
        archives.is_archive(front)
        or front.startswith((office.OLE, b"%PDF-"))
        or front[:64].lstrip().startswith(b"{\\rt")
        or _ending(leaf.name) in _MARKUP | _IMAGES_OF_DISKS
        or _is_markup(front)
    )


def _ending(name: str) -> str:
    """The last ending of a file's name, in lower case; what is put behind it is cut off."""
    return name.rstrip(" .\0\u202e\u202c").rpartition(".")[2].lower()[:16] if "." in name else ""


def _is_windows(content: bytes) -> bool:
    """Whether it is a program of Windows or DOS: MZ, and a header that a text has not."""
    if not content.startswith(_SIGNATURES[0]) or len(content) < 64:
        return False
    place = int.from_bytes(content[60:64], "little")
    return content.startswith(b"PE\0\0", place) or b"This program" in content[:512] or place < FRONT


def _is_disguised(name: str) -> bool:
    """Whether a program is called like a document: two endings, blanks, or letters turned round."""
    if "\u202e" in name:
        return True
    parts = name.lower().rsplit(".", 2)
    return len(parts) == 3 and parts[1].strip() in _DOCUMENTS


def _is_markup(content: bytes) -> bool:
    return content[:200].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<script"))
