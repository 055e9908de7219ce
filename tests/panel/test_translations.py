"""The French catalogue: complete, compiled, and set as French is set."""

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "panel/locale/fr/LC_MESSAGES/django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
NO_BREAK = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


class Entry:
    """A message of a catalogue."""

    def __init__(self, block: str) -> None:
        self.is_fuzzy = bool(re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE))
        self.context = self._text(block, "msgctxt")
        self.source = self._text(block, "msgid")
        self.plural = self._text(block, "msgid_plural")
        fields = re.findall(r"^msgstr(?:\[\d\])?", block, re.MULTILINE)
        self.texts = [self._text(block, field) for field in fields]

    @staticmethod
    def _text(block: str, field: str) -> str:
        found = re.search(rf'^{re.escape(field)} ((?:".*"\n?)+)', block, re.MULTILINE)
        return "".join(ast.literal_eval(line) for line in found[1].splitlines()) if found else ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.context, self.source, self.plural)


def _entries(path: Path) -> list[Entry]:
    text = path.read_text(encoding="utf-8")
    return [Entry(block) for block in text.split("\n\n") if "msgid" in block][1:]


ENTRIES = _entries(CATALOGUE)
TEXTS = [text for entry in ENTRIES for text in entry.texts]


def test_nothing_is_untranslated_or_fuzzy() -> None:
    assert len(ENTRIES) > 150
    bad = [entry.source for entry in ENTRIES if entry.is_fuzzy or not all(entry.texts)]
    assert bad == []
    assert "#~" not in CATALOGUE.read_text(encoding="utf-8")


def test_every_string_of_the_source_is_in_the_catalogue(tmp_path: Path) -> None:
    for name in ("mailqueue", "panel", "templates"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("locale", "*.pyc")
        )
    (tmp_path / "locale").mkdir()
    django = [sys.executable, "-m", "django", "makemessages", "-l", "fr", "--no-location"]
    # Without settings it asks nothing of the house, and writes into `locale`.
    bare = {name: value for name, value in os.environ.items() if "SETTINGS" not in name}
    subprocess.run(django, cwd=tmp_path, check=True, capture_output=True, env=bare)
    found = _entries(tmp_path / "locale/fr/LC_MESSAGES/django.po")
    assert {entry.key for entry in found} == {entry.key for entry in ENTRIES}


def test_the_compiled_catalogue_says_the_same() -> None:
    # By content: a clone gives all files the same age.
    with COMPILED.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in ENTRIES:
        source = f"{entry.context}\x04{entry.source}" if entry.context else entry.source
        if entry.plural:
            found = [compiled.ngettext(source, entry.plural, number) for number in (1, 2)]
        else:
            found = [compiled.gettext(source)]
        assert found == entry.texts


def test_it_uses_true_apostrophes_and_quotation_marks() -> None:
    assert [text for text in TEXTS if "'" in text or '"' in text or "“" in text] == []


def test_it_keeps_the_spaces_of_french() -> None:
    wrong = []
    for text in TEXTS:
        # A colon in a time or an address is none of French.
        before = re.findall(r"(.)(?::(?=\s|$)|[;?!»%](?!\())", text.replace("%(", "("))
        after = re.findall(r"«(.)", text)
        if any(sign not in NO_BREAK + NARROW for sign in (*before, *after) if sign != "%"):
            wrong.append(text)
    assert wrong == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.source[:40])
def test_placeholders_stay(entry: Entry) -> None:
    wanted = set(re.findall(r"%\(\w+\)\w+", f"{entry.source} {entry.plural}"))
    for text in entry.texts:
        assert set(re.findall(r"%\(\w+\)\w+", text)) == wanted


def test_the_catalogue_is_where_django_looks() -> None:
    assert CATALOGUE.is_relative_to(settings.LOCALE_PATHS[0])


def test_no_words_to_translate_stand_within_an_f_string() -> None:
    # xgettext does not look there: such words stay English on a French page.
    calls = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "npgettext"}
    found = []
    for folder in ("mailqueue", "panel", "relay"):
        for path in (ROOT / folder).rglob("*.py"):
            for text in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(text, ast.JoinedStr):
                    continue
                inner = [node.func for node in ast.walk(text) if isinstance(node, ast.Call)]
                names = [func.id for func in inner if isinstance(func, ast.Name)]
                found += [f"{path}:{text.lineno}" for name in names if name in calls]
    assert found == []
