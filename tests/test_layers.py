"""The house keeps its shape: panel → mailqueue ← relay, and one way inside mailqueue."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("mailqueue", "relay", "panel")

# Each may import what stands to its left; pure rules import only each other.
PURE = (
    "errors",
    "states",
    "actions",
    "schedule",
    "outcomes",
    "policy",
    "bounces",
    "bounce_rules",
    "dsn",
    "domains",
    "pace",
    "providers",
    "return_tokens",
    "screening",
    "addresses",
    "headers",
    "fitting",
    "examining",
    "sketches",
)
ORDER = (
    "models",
    "statements",
    "walks",
    "limits",
    "senders",
    "counters",
    "history",
    "windows",
    "alerts",
    "suppressions",
    "troubles",
    "scripts",
    "weights",
    "facts",
    "behaviour",
    "judgements",
    "probes",
    "queue",
    "cases",
    "service",
    "answers",
    "returns",
    "overview",
)
# Standing beside the order: what they may import of it.
BESIDE = {
    "accounts": ("models", "service", "statements"),
    "tokens": ("models", "accounts", "statements"),
    "sealing": (),
    "signing_keys": ("models", "sealing", "senders"),
    "simulator": ("models",),
    "failures": ("models",),
    "false_alarms": ("models", "weights"),
    "destinations": ("models", "queue"),
    "engines": ("models", "alerts"),
    "case_view": ("models",),
    "delays": ("models", "walks"),
    "evidence": ("models",),
    "queue_view": ("models", "walks"),
    "script_view": ("models", "scripts", "walks"),
    "house_overview": ("models", "history", "windows"),
    "refusals": ("models",),
    "return_path": (),
    "copies": ("accounts", "models", "queue", "returns"),
    "messages": ("models",),
    "traces": ("models",),
    "ledger": ("models",),
    "mta_sts": ("models",),
    "filling": ("accounts", "counters", "models", "service"),
    "maillog": ("judgements", "models", "queue", "returns"),
    "celery": ("pulse",),
    "pulse": (),
    "clock": ("celery",),
    "tasks": (
        "accounts",
        "alerts",
        "cases",
        "celery",
        "copies",
        "behaviour",
        "counters",
        "engines",
        "facts",
        "maillog",
        "models",
        "mta_sts",
        "probes",
        "queue",
        "returns",
        "scripts",
        "senders",
        "service",
        "suppressions",
        "troubles",
    ),
    "apps": (),
    "sqlite": (),
    "management": (
        "accounts",
        "filling",
        "ledger",
        "models",
        "overview",
        "queue_view",
        "service",
    ),
}


def _modules(package: str) -> list[Path]:
    return [path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]


def _imports(path: Path) -> set[str]:
    """Full dotted names of what a file imports, `from a import b` as `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _inside(path: Path) -> set[str]:
    """The modules of mailqueue that a file of mailqueue imports."""
    return {name.split(".")[1] for name in _imports(path) if name.startswith("mailqueue.")}


def _files(name: str) -> list[Path]:
    """The files of a module of mailqueue, or of a package in it."""
    path = ROOT / "mailqueue" / name
    files = [path.with_suffix(".py")] if path.with_suffix(".py").exists() else [*path.rglob("*.py")]
    assert files
    return files


@pytest.mark.parametrize(
    ("package", "foreign"),
    [("mailqueue", {"relay", "panel"}), ("relay", {"panel"}), ("panel", {"relay"})],
)
def test_packages_do_not_see_what_they_must_not(package: str, foreign: set[str]) -> None:
    files = _modules(package)
    assert files
    for path in files:
        seen = {name.split(".")[0] for name in _imports(path)} & foreign
        assert not seen, f"{path.relative_to(ROOT)} imports {seen}"


@pytest.mark.parametrize("name", PURE)
def test_pure_rules_know_neither_rows_nor_settings_nor_the_clock(name: str) -> None:
    for path in _files(name):
        assert _inside(path) <= set(PURE)
        roots = {found.split(".")[0] for found in _imports(path)}
        assert not roots & {"django", "celery", "time", "random"}
        assert ".now(" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ORDER)
def test_imports_inside_the_ledger_go_one_way(name: str) -> None:
    allowed = {*PURE, *ORDER[: ORDER.index(name) + 1]}
    for file in _files(name):
        assert _inside(file) <= allowed, file.name


@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_the_order_imports_only_what_it_may(name: str) -> None:
    allowed = {*PURE, *BESIDE[name], name}
    for file in _files(name):
        assert _inside(file) <= allowed, file.name


def test_every_module_of_the_ledger_has_its_place() -> None:
    here = {
        path.stem
        for path in (ROOT / "mailqueue").iterdir()
        if path.suffix == ".py" or path.is_dir()
    }
    assert here - {"__init__", "__pycache__", "migrations"} == {*PURE, *ORDER, *BESIDE}


def test_the_shim_imports_nothing_but_the_least() -> None:
    source = (ROOT / "relay" / "sendmail").read_text(encoding="utf-8")
    names = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert names == {"posix", "sys", "_socket"}
