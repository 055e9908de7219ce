"""Nothing inline, nothing from elsewhere: the policy, and templates that live with it."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from panel.middleware import POLICY

ROOT = Path(__file__).resolve().parents[2]
# Letters are no pages: mail programs know neither our style sheet nor our policy.
LETTERS = ROOT / "templates" / "letters"
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if LETTERS not in path.parents
)


def test_the_policy_is_the_strict_one() -> None:
    assert POLICY == (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/login/", "/nowhere/", "/static/css/panel.css", "/simulator/"]
)
def test_every_answer_carries_it(client: Client, address: str) -> None:
    response = client.get(address)
    response.close()
    assert response["Content-Security-Policy"] == POLICY
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_nothing_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|<style|javascript:|\shx-on|\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    # A filter in a trigger is evaluated.
    assert not re.search(r'hx-trigger="[^"]*\[', text)
    assert "|safe" not in text
    assert "autoescape off" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_load_nothing_from_elsewhere(path: Path) -> None:
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(LETTERS.glob("*.html")), ids=lambda path: path.name)
def test_letters_run_and_load_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script|<style|<link|<img|javascript:|url\(|\son[a-z]+=", text)
    assert "|safe" not in text
    assert "autoescape off" not in text


@pytest.mark.django_db
def test_htmx_neither_evaluates_nor_adds_styles(client: Client) -> None:
    text = client.get("/login/").content.decode()
    assert '"allowEval": false' in text
    assert '"includeIndicatorStyles": false' in text


def test_colours_stand_in_one_file() -> None:
    rules = (ROOT / "static/css/panel.css").read_text(encoding="utf-8")
    # Shadows, and what lies on the navy side bar in both themes, are the exceptions.
    found = set(re.findall(r"#[0-9a-f]{3,8}\b", rules))
    assert found <= {"#fff", "#9db7ff"}


def test_debug_is_off() -> None:
    # htmx's debug script needs what the policy forbids.
    assert settings.DEBUG is False
