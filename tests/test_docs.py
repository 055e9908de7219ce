"""The documentation keeps up: each setting has its heading, each module of the flow exists."""

import re
from pathlib import Path

from mailqueue.screening import RULES, topics

ROOT = Path(__file__).resolve().parent.parent


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    source = (ROOT / "panel" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', source))
    documented = re.findall(
        r"^### FACTEUR_([A-Z_]+)$",
        (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert read
    assert sorted(documented) == sorted(read)


def test_every_setting_tells_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        assert "\nDefault: " in section, section.splitlines()[0]


def test_paths_named_in_the_documentation_exist() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(
            r"`((?:mailqueue|relay|panel|tests|docs|templates|static)/[\w./-]+)`", text
        ):
            # Modules are named as they are imported, without their ending.
            is_there = (ROOT / path).exists() or (ROOT / f"{path}.py").exists()
            assert is_there, f"{page.name} names {path}"
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_whole_documentation_is_free_of_unfinished_ends() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        assert not re.search(r"\bTODO\b|\bFIXME\b|\bTBD\b", page.read_text(encoding="utf-8")), page


def test_every_rule_of_screening_is_documented_with_what_it_adds() -> None:
    text = (ROOT / "docs" / "screening.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z_]+)` \| ([0-9.]+) \|", text, re.MULTILINE))
    most = {topic.rule: topic.most for topic in topics.ALL}
    assert told == {rule.id: str(most.get(rule.id, rule.weight)) for rule in RULES.values()}
