"""Writes requirements.lock and requirements-dev.lock: all packages, exactly, from pyproject.toml.

    python -m tests.support.lock

Each list is what pip puts into an empty environment, so that nothing of this one gets in. A package
that is for some machines only keeps the condition it has in pyproject.toml.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent.parent
HEADER = "# Written by `make lock` from pyproject.toml.\n"


def requirements() -> tuple[list[str], list[str]]:
    """What pyproject.toml asks for: to run, and to develop."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"], project["optional-dependencies"]["dev"]


def conditions(wanted: Iterable[str]) -> dict[str, str]:
    """The condition of each package that has one, by its name in small letters."""
    pairs = (requirement.split(";", 1) for requirement in wanted if ";" in requirement)
    return {package.partition("==")[0].strip().lower(): rest.strip() for package, rest in pairs}


def frozen(wanted: Sequence[str]) -> list[str]:
    """What pip installs into an empty environment to satisfy `wanted`, as exact pins."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = f"{folder}/bin/python"
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
        output = subprocess.check_output([python, "-m", "pip", "freeze", "-q"], text=True)
    return output.splitlines()


def with_conditions(pins: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The pins, each with the condition that pyproject.toml has for its package."""
    known = conditions(wanted)
    return [
        f"{pin} ; {known[name]}" if (name := pin.partition("==")[0].lower()) in known else pin
        for pin in pins
    ]


def main() -> None:
    """Write both files."""
    run, develop = requirements()
    for name, wanted in (("requirements.lock", run), ("requirements-dev.lock", [*run, *develop])):
        pins = with_conditions(frozen(wanted), wanted)
        (HERE / name).write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
