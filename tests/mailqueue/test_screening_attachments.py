"""Programs, macros and archives: found by content and by name, in archives too, within bounds."""

import gzip
import io
import tarfile

import pytest

from mailqueue.screening import Finding, screen
from mailqueue.screening.archives import Budget, entries
from mailqueue.screening.office import is_self_starting
from tests.support.hostile_mail import nested_zip, zipped
from tests.support.letters import MACROS, PDF, PROGRAM, packed

TEXT = "Bonjour, voici comme convenu au téléphone le document dont nous avons parlé ce matin. " * 3
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def message(name: str, content: bytes, text: str = TEXT, kind: str = "a/b") -> bytes:
    """A message with a file."""
    from base64 import encodebytes

    return (
        b"From: Cabinet <rdv@cabinet.example>\r\nSubject: Votre document\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
        + text.encode()
        + f'\r\n--x\r\nContent-Type: {kind}; name="{name}"\r\n'.encode()
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + encodebytes(content)
        + b"--x--\r\n"
    )


def rules(name: str, content: bytes, text: str = TEXT) -> dict[str, Finding]:
    """The findings by rule."""
    return {finding.rule: finding for finding in screen(message(name, content, text)).findings}


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("setup.exe", PROGRAM, "executable"),
        ("setup", PROGRAM, "executable"),
        ("photo.scr", b"anything", "executable"),
        ("run.pif", b"anything", "executable"),
        ("start.bat", b"dir", "executable"),
        ("readme.txt", b"@echo off\r\ndel *.*", "executable"),
        ("page.hta", b"<hta:application>", "executable"),
        ("tool", b"\x7fELF\x02", "executable"),
        ("macro.docm", packed({"word/vbaProject.bin": MACROS}), "macros"),
        ("renamed.docx", packed({"word/vbaProject.bin": MACROS}), "macros"),
        ("old.doc", MACROS, "macros"),
        ("sheet.xlsm", b"PK", "macros"),
        ("note.one", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "macros"),
        ("letter.rtf", b"{\\rtf1 {\\object\\objdata 0105}}", "macros"),
        ("excel4.xlsx", packed({"xl/macrosheets/sheet1.xml": b"<x/>"}), "macros"),
        ("invoice.xml", b"<Invoice/>", "office_file"),
        ("table.xlsx", packed({"xl/workbook.xml": b"<x/>"}), "office_file"),
        ("form.html", b"<form><input type=password></form>", "page_attached"),
        ("locked.zip", packed({"a.txt": b"x"}, is_sealed=True), "sealed_archive"),
        ("files.7z", b"7z\xbc\xaf\x27\x1c", "archive_unread"),
        ("files.rar", b"Rar!\x1a\x07\x01\x00" + b"\0" * 40 + b"setup.exe\0", "executable"),
        ("test.txt", EICAR, "malware"),
        ("bill.pdf.exe", PROGRAM, "malware"),
        ("bill.pdf   .js", b"x", "malware"),
        ("bill.pdf", PROGRAM, "malware"),
    ],
)
def test_what_a_file_is(name: str, content: bytes, rule: str) -> None:
    assert rule in rules(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bill.pdf", PDF),
        ("letter.docx", packed({"word/document.xml": b"<w/>", "word/media/a.png": b"\x89PNG"})),
        ("photos.zip", packed({"a.jpg": b"\xff\xd8", "b.jpg": b"\xff\xd8"})),
        ("notes.txt", b"MZ is how programs begin; this is a note that tells so, and no program."),
        ("example.com.pdf", PDF),
        ("v1.2.pdf", PDF),
        ("report.html", b"<html><body><table><tr><td>1</td></tr></table></body></html>"),
        ("old.doc", MACROS.replace("_VBA".encode("utf-16-le"), b"________")),
        ("letter.rtf", b"{\\rtf1 Bonjour}"),
        ("backup.sql.gz", gzip.compress(b"SELECT 1;")),
        ("event.ics", b"BEGIN:VCALENDAR"),
    ],
)
def test_harmless_files_are_not_taken_for_others(name: str, content: bytes) -> None:
    assert screen(message(name, content)).findings == ()


def test_a_plain_spreadsheet_or_an_electronic_invoice_weighs_next_to_nothing() -> None:
    assert rules("facture.xml", b"<rsm:CrossIndustryInvoice/>")["office_file"].score <= 0.2


def test_a_program_alone_makes_no_verdict_but_malware_does() -> None:
    assert not screen(message("setup.exe", PROGRAM)).is_spam
    verdict = screen(message("bill.pdf.exe", PROGRAM))
    assert verdict.is_spam
    assert verdict.has_malware


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_programs_are_found_in_archives_in_archives(levels: int) -> None:
    content = packed({"setup.exe": PROGRAM})
    for _ in range(levels - 1):
        content = packed({"inner.zip": content})
    assert rules("a.zip", content)["executable"].about == "setup.exe"


def test_other_archives_are_looked_into_as_well() -> None:
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode="w:gz") as archive:
        info = tarfile.TarInfo("bin/setup.exe")
        info.size = len(PROGRAM)
        archive.addfile(info, io.BytesIO(PROGRAM))
    assert rules("a.tgz", kept.getvalue())["executable"].about == "bin/setup.exe"
    assert "executable" in rules("setup.exe.gz", gzip.compress(PROGRAM))


def test_a_zip_without_its_table_of_contents_is_read_all_the_same() -> None:
    content = packed({"setup.exe": PROGRAM})
    assert "executable" in rules("a.zip", content[: content.index(b"PK\x01\x02")])


def test_a_locked_archive_says_so_and_shows_its_names() -> None:
    found = rules("a.zip", packed({"setup.exe": PROGRAM}, is_sealed=True))
    assert {"sealed_archive", "executable"} <= found.keys()
    assert "malware" not in found
    with_key = rules("a.zip", packed({"setup.exe": b"x"}, is_sealed=True), "Mot de passe : 1234")
    assert {"sealed_with_key", "malware"} <= with_key.keys()
    harmless = rules("a.zip", packed({"scan.pdf": PDF}, is_sealed=True), "Mot de passe : 1234")
    assert "malware" not in harmless


def test_a_locked_spreadsheet_is_no_macro_document() -> None:
    sealed = MACROS.replace(
        "_VBA_PROJECT".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    )
    found = rules("salaires.xlsx", sealed)
    assert "sealed_archive" in found
    assert "macros" not in found


def module(source: bytes) -> bytes:
    """A macro module as Office stores it ([MS-OVBA] §2.4.1), packed into literals only."""
    packed_source = b"".join(
        b"\0" + source[place : place + 8] for place in range(0, len(source), 8)
    )
    header = 0xB000 | (len(packed_source) - 1)
    return b"\x01" + header.to_bytes(2, "little") + packed_source


def test_macros_that_start_by_themselves_and_call_the_system_are_malware() -> None:
    source = b'Attribute VB_Name = "M"\r\nSub AutoOpen()\r\nCreateObject("WScript.Shell").Run x\r\n'
    assert is_self_starting(MACROS + module(source))
    assert "malware" in rules("a.doc", MACROS + module(source))
    harmless = b'Attribute VB_Name = "M"\r\nSub Total()\r\nRange("A1").Value = 1\r\n'
    assert "malware" not in rules("a.doc", MACROS + module(harmless))
    # Sample of [MS-OVBA] §3.2.3: copies of what stands before are put in place.
    repeated = b"Attribute V" + b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"
    assert not is_self_starting(MACROS + module(repeated))


def test_a_document_that_asks_to_switch_macros_on() -> None:
    content = packed({"word/vbaProject.bin": MACROS})
    verdict = screen(message("a.docm", content, "Please click enable content to read it."))
    assert verdict.is_spam
    assert not screen(message("a.docm", content)).is_spam


def test_archives_are_unpacked_within_a_budget() -> None:
    budget = Budget()
    assert len(list(entries(zipped(5000, b"x"), "a.zip", budget))) == 300
    assert budget.is_spent
    bomb = Budget()
    sizes = [len(entry.content) for entry in entries(zipped(9, bytes(8 << 20)), "a.zip", bomb)]
    assert sum(sizes) <= 5 << 20
    assert "archive_unread" in rules("a.zip", nested_zip(30))


@pytest.mark.parametrize("place", [0, 7, 18, 26, 28, 40, -30, -6])
def test_broken_archives_raise_nothing(place: int) -> None:
    content = bytearray(packed({"setup.exe": PROGRAM, "b.txt": b"x" * 500}))
    for value in (0, 1, 127, 255):
        content[place] = value
        screen(message("a.zip", bytes(content)))
        screen(message("a.zip", bytes(content[:place])))
