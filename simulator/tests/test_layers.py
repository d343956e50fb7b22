"""The simulator's rooms: who may know whom, no circle, nothing imported late, no file too long to read."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from simulator.running import ROOT

FOLDER = ROOT / "simulator"
MOST_LINES = 350
LEVELS = (  # each knows what stands before it, and its own level
    (
        "archiving fields faults idempotency limits damage",
        "agenda amounts checks http offsets outbox notices paging pdf routing shapes unpriced world",
    ),
    ("engine.prices",),
    ("engine.balances",),
    ("engine.invoices",),
    ("engine.contracts",),
    ("engine.alerts",),
    ("api", "routes"),
    ("seed seed_catalogue seed_models seed_names seed_plans seed_terms", "records"),
    ("accounts", "described"),
    ("plane", "destinations", "webhooks"),
    ("service",),
    ("server", "__main__"),
    ("running",),
    ("pytest_plugin",),
)
LEVEL_OF = {name: level for level, rows in enumerate(LEVELS) for row in rows for name in row.split()}
FILES = [path for path in sorted(FOLDER.rglob("*.py")) if "__pycache__" not in path.parts]
MODULES = {
    ".".join(path.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__"): path
    for path in FILES
    if not {FOLDER / "tests", FOLDER / "examples"} & set(path.parents)
}


def level_of(module: str) -> int | None:
    """The level of a module or of the room that it is in; None for a package without any of its own."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((LEVEL_OF[name] for name in names if name in LEVEL_OF), None)


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module of the simulator, whether it is imported at the top) of every import of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "simulator":
            package = node.module.removeprefix("simulator").lstrip(".")
            for each in node.names:
                inner = f"{package}.{each.name}".lstrip(".")
                found.append((inner if inner in MODULES else package, node in tree.body))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_knows_only_its_own_level_and_those_below(module: str) -> None:
    own = level_of(module)
    if own is None:
        assert imports(MODULES[module]) == []
        return

    above = [name for name, _top in imports(MODULES[module]) if (level_of(name) or 0) > own]

    assert above == []


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_knows_it_knows_from_its_beginning(module: str) -> None:
    assert [name for name, is_top in imports(MODULES[module]) if not is_top] == []


def test_no_module_leads_back_to_itself() -> None:
    known = {module: {name for name, _top in imports(path)} - {module} for module, path in MODULES.items()}

    assert set(TopologicalSorter(known).static_order()) >= set(MODULES)


def test_a_file_can_be_read_at_once() -> None:
    """Tests, too."""
    long = [str(path) for path in FILES if len(path.read_text("utf-8").splitlines()) > MOST_LINES]

    assert long == []


def test_it_knows_nobody_beside_it() -> None:
    """It is a neighbour: neither it nor its tests import anything of the repository that it lives in."""
    beside = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"} - {"simulator"}
    wrong = [
        f"{path}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [e.name for e in node.names]
        )
        if name.split(".")[0] in beside | {"django"}
    ]

    assert {"billing", "tests"} <= beside
    assert wrong == []
