"""docker-compose.yml without Docker: its services as processes, with what the file gives them.

Owns the substitution of variables, and the places that are others here than in containers: hosts,
ports and the data folder. Everything else runs as the file has it: commands, environment, order,
health checks, and a user without rights if we are root.
"""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from relay.installer import interpreter

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = ROOT / "docker-compose.yml"
# The user of the image.
UID = 990
_VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")


def loaded() -> dict[str, Any]:
    """The file as it stands, with its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME}`, `${NAME:-else}` and `${NAME:?why}`, as Compose has them. Raises KeyError."""

    def value(match: "re.Match[str]") -> str:
        name, kind, rest = match.groups()
        found = variables.get(name, "")
        if not found and kind == "?":
            raise KeyError(f"{name}: {rest}")
        return found or (rest if kind == "-" else "")

    return _VARIABLE.sub(value, text)


class Composed:
    """The services of the file that are ours, for processes of this machine.

    `places` are what is called otherwise here; each must stand somewhere in the file.
    """

    def __init__(
        self,
        variables: Mapping[str, str],
        places: Mapping[str, str],
        extra: Mapping[str, str],
        folder: Path,
    ) -> None:
        text = yaml.safe_dump(loaded(), width=10_000)
        for there, here in places.items():
            assert there in text, f"{there} is not in the file"
            text = text.replace(there, here)
        self.services: dict[str, Any] = yaml.safe_load(text)["services"]
        self._variables = variables
        self._extra = extra
        self.log = folder / "log"
        self.log.touch()
        self._programs = _programs(folder / "bin")
        self._running: list[subprocess.Popen[bytes]] = []

    def environment(self, service: str) -> dict[str, str]:
        """What a program of this service finds: nothing of ours but where programs are."""
        given = self.services[service]["environment"]
        return {
            "PATH": f"{self._programs}:{os.environ['PATH']}",
            **{name: substituted(str(value), self._variables) for name, value in given.items()},
            **self._extra,
        }

    def run(self, service: str, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """`docker compose run --rm`."""
        return subprocess.run(
            [*_as_user(), *command],
            cwd=ROOT,
            env=self.environment(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, service: str) -> None:
        """`docker compose up --detach` for one service."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*_as_user(), *self.services[service]["command"]],
                cwd=ROOT,
                env=self.environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)

    def check(self, service: str) -> "subprocess.CompletedProcess[str]":
        """The health check of one service."""
        kind, *command = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run(service, command)

    def stop(self) -> None:
        """End all that was started."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _programs(folder: Path) -> Path:
    """The folder with `python`, `gunicorn` and `celery`, as the image has them in its PATH.

    Ours, if everybody can run it; else one of wrappers around the system's Python of the same
    version, with our packages: ours may lie in a home that nobody else can enter.
    """
    ours = Path(sys.executable).parent
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreter(sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}")
    if found == os.path.realpath(sys.executable):
        return ours
    folder.mkdir()
    for program, words in {"python": "", "gunicorn": "-m gunicorn", "celery": "-m celery"}.items():
        path = folder / program
        packages = sysconfig.get_path("purelib")
        path.write_text(f'#!/bin/sh\nPYTHONPATH={packages} exec {found} {words} "$@"\n')
        path.chmod(0o755)
    return folder


def _as_user() -> list[str]:
    """What stands before a command, so that it has no more rights than in its container."""
    if os.geteuid() != 0:
        return []
    return [
        *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"),
        *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
    ]
