"""The arrows between the rooms, read from the imports. Breaking one fails here, with the line that did it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from billing.mirror.resources import RESOURCES

ROOT = Path(__file__).resolve().parent.parent
BELOW: dict[str, set[str]] = {
    "roles": set(),
    "users": {"roles"},
    "lists": set(),
    "clock": set(),
    "walking": set(),
    "audit": {"users", "lists"},
    "metronome": {"walking"},
    "control": {"audit", "lists"},
    "notify": {"users", "audit", "lists"},
    "mirror": {"users", "audit", "metronome", "control", "lists", "clock", "walking"},
    "changes": {
        "people",
        "users",
        "roles",
        "audit",
        "metronome",
        "control",
        "mirror",
        "lists",
        "clock",
        "walking",
        "notify",
    },
    "people": {"users", "roles", "audit", "clock", "lists", "notify"},
    "tasks": {"people", "users", "changes", "mirror", "audit", "control", "notify"},
    "pages": {
        "people",
        "users",
        "roles",
        "audit",
        "control",
        "mirror",
        "changes",
        "tasks",
        "lists",
        "clock",
        "walking",
        "notify",
    },
    "management": {
        "people",
        "users",
        "roles",
        "audit",
        "control",
        "metronome",
        "mirror",
        "changes",
        "tasks",
        "lists",
        "notify",
    },
    "models": {"audit", "changes", "control", "mirror", "notify", "people", "users"},
    "apps": {"pages", "clock"},
    "migrations": {"lists"},
}
MOST_LINES = 350
SENDERS = {"billing/changes/applying/apply.py"}
"""The only module outside the gateway that may start a writing operation (promise 1)."""


def sources(folder: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module a file imports, with its line; `from a import b` counts as both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "billing").parts[0].removesuffix(".py")


def test_every_room_is_on_the_list_and_imports_only_what_lies_below() -> None:
    wrong = []
    for path in sources("billing"):
        room = room_of(path)
        if room == "__init__":
            continue
        assert room in BELOW, f"{path} is a room without a rule"
        for line, module in imports(path):
            parts = module.split(".")
            if parts[0] != "billing" or len(parts) < 2 or parts[1] == "VERSION":
                continue
            if parts[1] != room and parts[1] not in BELOW[room]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")

    assert wrong == []


def test_a_request_is_asked_for_then_agreed_then_applied_and_nothing_looks_ahead() -> None:
    """Asking knows nothing of applying, and agreeing asks Metronome nothing."""
    ahead = {
        "asking": ("billing.changes.agreeing", "billing.changes.applying"),
        "agreeing": (
            "billing.changes.applying",
            "billing.metronome.account",
            "billing.mirror.connection",
        ),
    }
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for room, forbidden in ahead.items()
        for path in sources(f"billing/changes/{room}")
        for line, module in imports(path)
        if module.startswith(forbidden)
    ]
    shared = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sorted((ROOT / "billing/changes").glob("*.py"))
        for line, module in imports(path)
        if module.startswith(("billing.changes.asking", *ahead["asking"]))
    ]

    assert wrong + shared == []


FIELDS_ARE_NAMED_IN = (
    "metronome/objects",
    "metronome/operations",  # an operation is one endpoint: its params and what it claims are fields
    "mirror/resources",
    "changes/asking/kinds",
    "pages/nouns",
    "migrations",
    "management/demo",  # plays people, who fill in forms field by field
)
TOO_GENERAL = {
    *("id", "key", "name", "type", "description", "currency", "entity", "created_at", "updated_at"),
    *("raw", "raw_digest", "fetched_at", "missing_since"),  # what every mirrored row has, of whatever noun
    *("sort_name", "name_words"),  # how whatever has a name is put in order and found
    *("customer", "customer_id", "plan"),  # nouns, and whose a thing is
    "alias",  # Django's and SQL's word for another name of a column or a table
}
"""Names of fields that mean something else as well; a file that uses one is not about the noun by that."""


def test_no_file_outside_a_nouns_own_names_its_fields() -> None:
    """A new noun then costs no edit in the house, and of one that changes no other file has to know.

    Neither as a name of code nor as a word in a text.
    """
    spelled = re.compile(rf"\b({'|'.join(sorted(fields_of_nouns() - TOO_GENERAL))})\b")
    own = tuple(ROOT / "billing" / folder for folder in FIELDS_ARE_NAMED_IN)
    files = [path for path in sources("billing") if not any(map(path.is_relative_to, own))]
    wrong = [
        f"{path.relative_to(ROOT)}:{line} names {found[0]}"
        for path in files
        for line, text in spelled_in(path)
        if (found := spelled.search(text))
    ]

    assert all(folder.is_dir() for folder in own)
    assert fields_of_nouns() >= TOO_GENERAL | {"ingest_aliases", "archived_at", "rate_card_id"}
    assert len(files) > 150
    assert wrong == []


def fields_of_nouns() -> set[str]:
    """What requests know of each noun, what its table holds of it, and its sets."""
    names: set[str] = set()
    for noun in RESOURCES.values():
        names |= {field.name for field in noun.fields}
        names |= {name for child in noun.sets for name in (child.of, child.value)}
        columns = noun.model._meta.concrete_fields if noun.model else ()
        names |= {name for column in columns for name in (column.name, column.attname)}
    return names


def spelled_in(path: Path) -> Iterator[tuple[int, str]]:
    """Every name and text of a file with its line, but for what only people read: its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            is_read = isinstance(node, ast.Expr) and isinstance(child, ast.Constant)
            texts = (getattr(child, part, None) for part in ("id", "attr", "arg", "name", "value"))
            yield from ((getattr(child, "lineno", 0), t) for t in texts if isinstance(t, str) and not is_read)


def test_no_module_leads_back_to_itself() -> None:
    """By what it imports when it is imported; what is found by walking a folder knows nobody by name."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sources("billing")
    }
    known = {name: set(_imported_at_once(path, modules)) - {name} for name, path in modules.items()}

    assert sum(map(len, known.values())) > 500
    assert set(TopologicalSorter(known).static_order()) == set(modules)


def _imported_at_once(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            inner = [f"{node.module}.{each.name}" for each in node.names]
            yield from (name if name in modules else node.module for name in inner)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in modules)


def test_the_gateway_knows_neither_django_nor_the_other_rooms() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("billing/metronome")
        for line, module in imports(path)
        if module.split(".")[0] in {"django", "celery", "adminsite", "simulator"}
    ]

    assert wrong == []


def test_the_gateway_knows_no_noun() -> None:
    """What is read and written is handed to it as a value; a noun's file asks through it."""
    files = sorted((ROOT / "billing/metronome").glob("*.py"))
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in files
        for line, module in imports(path)
        if module.startswith(("billing.metronome.objects", "billing.metronome.operations"))
    ]

    assert len(files) > 10
    assert wrong == []


def test_pages_never_reach_metronome() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in sources("billing/pages")
        for line, module in imports(path)
        if module.startswith(("billing.metronome", "metronome", "httpx"))
    ]

    assert wrong == []


def test_only_the_journal_makes_the_right_to_send() -> None:
    """No other module of the product names it, but for those that it is handed to."""
    named = {
        str(path.relative_to(ROOT))
        for folder in ("billing", "adminsite", "local", "bench")
        for path in sources(folder)
        for _line, module in imports(path)
        if module in ("billing.metronome.calls", "billing.metronome.calls.Sending")
    }
    made = {
        name
        for name in named
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and any("Sending" in ast.unparse(part) for part in (node.func, *node.args, *node.keywords))
    }

    assert named == {
        "billing/changes/applying/apply.py",
        "billing/changes/applying/claiming.py",
        "billing/metronome/account.py",
        "billing/metronome/operations/base.py",
    }
    assert made == {"billing/changes/applying/claiming.py"}


def test_only_apply_sends_writing_operations() -> None:
    """`.send(…)` with a sending and `.write(…)` on a gateway are called in one module outside the gateway."""
    callers = set()
    for folder in ("billing", "adminsite", "local"):
        for path in sources(folder):
            name = str(path.relative_to(ROOT))
            if name.startswith("billing/metronome/"):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    target = ast.unparse(node.func)
                    if node.func.attr == "send" and "sending" in ast.unparse(node):
                        callers.add(name)
                    if node.func.attr == "write" and "gateway" in target:
                        callers.add(name)

    assert callers == SENDERS


def test_the_official_sdk_and_httpx_are_used_by_the_gateway_alone() -> None:
    users = {
        str(path.relative_to(ROOT))
        for folder in ("billing", "adminsite")
        for path in sources(folder)
        for _line, module in imports(path)
        if module.split(".")[0] in {"metronome", "httpx"}
    }

    assert users == {"billing/metronome/transport.py"}


def test_the_simulator_and_the_product_do_not_know_each_other() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for folder, forbidden in (
            ("simulator", {"billing", "adminsite", "django"}),
            ("billing", {"simulator"}),
        )
        for path in sources(folder)
        for line, module in imports(path)
        if module.split(".")[0] in forbidden
    ]

    assert wrong == []


def test_a_file_can_be_read_at_once() -> None:
    """No file of code is longer than a reader takes in at one go; migrations are written once."""
    folders = ("adminsite", "bench", "billing", "local", "simulator", "tests")
    long = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in sources(folder)
        if "migrations" not in path.parts and len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }

    assert long == set()
