"""docker-compose.yml and the lists of packages say what is true.

No Docker engine is needed: the file is read, and held against what the programs know.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from django.core.management import get_commands

from tests.support import lock

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "docker-compose.yml"


def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    found: dict[str, Any] = loaded["services"]
    return found


def test_compose_is_what_the_specification_has() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    PyCompose.from_json(json.dumps(yaml.safe_load(text)))
    misspelt = text.replace("healthcheck:", "helthcheck:")
    with pytest.raises(ValueError, match="helthcheck"):
        PyCompose.from_json(json.dumps(yaml.safe_load(misspelt)))


def test_compose_asks_every_service_that_stays_how_it_is() -> None:
    for name, service in services().items():
        assert ("healthcheck" in service) is (name != "setup"), name


def test_compose_gives_no_program_of_ours_more_rights_than_it_needs() -> None:
    for name in ("setup", "web", "relay", "worker", "beat"):
        service = services()[name]
        assert service["user"] == "990:990"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        # Same path inside and outside: the sendmail command of the host names the relay's socket.
        assert service["volumes"] == ["/var/lib/facteur:/var/lib/facteur"]


def test_compose_runs_every_program_of_the_house() -> None:
    assert {"web", "relay", "worker", "beat", "postgres", "redis"} <= set(services())


def test_compose_waits_for_services_that_exist() -> None:
    names = set(services())
    for name, service in services().items():
        assert set(service.get("depends_on", {})) <= names, name


def test_compose_calls_commands_that_exist() -> None:
    called = re.findall(r"manage\.py\W+([a-z]+)", COMPOSE.read_text(encoding="utf-8"))
    assert set(called) >= {"migrate", "installsendmail", "createadmin", "runrelay", "createaccount"}
    assert set(called) <= set(get_commands())


def test_compose_sets_variables_that_the_settings_read() -> None:
    settings = (ROOT / "panel" / "settings.py").read_text(encoding="utf-8")
    for name in services()["web"]["environment"]:
        assert f'"{name.removeprefix("FACTEUR_")}"' in settings, name


def test_the_image_holds_every_package_of_the_house() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (\w+) ", dockerfile, re.MULTILINE))
    assert copied == {"mailqueue", "panel", "relay", "static", "templates"}


def test_all_packages_are_pinned_as_the_project_asks() -> None:
    run, develop = lock.requirements()
    for name, wanted in (("requirements.lock", run), ("requirements-dev.lock", run + develop)):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        pins = {line.replace(" ;", ";") for line in lines if not line.startswith("#")}
        assert all("==" in pin for pin in pins)
        # An extra is asked for, and its packages are pinned.
        assert {re.sub(r"\[\w+\]", "", requirement) for requirement in wanted} <= pins
