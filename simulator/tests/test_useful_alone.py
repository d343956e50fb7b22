"""What somebody else needs of it: a package, a description of what it serves, an example that works."""

from __future__ import annotations

import runpy
import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator
from metronome import Metronome

from simulator.described import document
from simulator.routing import ROUTES
from simulator.running import ROOT, TOKEN, RunningSimulator
from simulator.tests.in_process import Inside

FOLDER = ROOT / "simulator"


def test_the_served_document_describes_every_route_and_no_other() -> None:
    status, described = Inside(customers=1).ask("GET /_sim/openapi.json")

    told = {f"{method.upper()} {path}" for path, each in described["paths"].items() for method in each}
    assert (status, told) == (200, set(ROUTES))
    assert described == document()
    for path, each in described["paths"].items():
        for operation in each.values():
            ids = {row["name"] for row in operation.get("parameters", []) if row["in"] == "path"}
            assert ids == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    numbers = [each["operationId"] for item in described["paths"].values() for each in item.values()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"name": "Acme", "ingest_aliases": ["acme"]}, True),
        ({"ingest_aliases": ["acme"]}, False),
        ({"name": 5}, False),
        ({"name": "Acme", "ingest_aliases": "acme"}, False),
    ],
)
def test_a_described_body_is_what_the_route_takes(body: dict[str, Any], fits: bool) -> None:
    content = document()["paths"]["/v1/customers"]["post"]["requestBody"]["content"]

    valid = Draft7Validator(content["application/json"]["schema"]).is_valid(body)

    assert valid == fits
    assert (Inside(customers=1).ask("POST /v1/customers", body)[0] == 200) == fits


def test_the_page_of_routes_names_them_all() -> None:
    reply = Inside(customers=1).answer("GET /_sim/routes").reply

    text = reply.payload().decode()
    assert reply.content_type.startswith("text/html")
    assert [name for name in ROUTES if f"<code>{name}</code>" not in text] == []


def test_the_package_holds_every_folder_of_the_program_and_what_it_needs() -> None:
    package = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in FOLDER.rglob("__init__.py")
        if "tests" not in path.parts
    }
    wanted = (ROOT / "requirements" / "simulator.in").read_text("utf-8").splitlines()

    assert set(package["tool"]["setuptools"]["packages"]) == folders
    assert package["project"]["dependencies"] == [line for line in wanted if not line.startswith("#")]
    assert package["project"]["scripts"] == {"metronome-simulator": "simulator.__main__:command"}


def test_its_lock_names_what_the_tests_here_run_with() -> None:
    own, tested = (
        {line for line in (ROOT / "requirements" / name).read_text("utf-8").splitlines() if "==" in line}
        for name in ("simulator.txt", "dev.txt")
    )

    assert own
    assert own <= tested
    lock = (ROOT / "requirements" / "simulator.txt").read_text("utf-8")
    assert "://" not in lock


def test_the_example_works(simulator: RunningSimulator) -> None:
    example = runpy.run_path(str(FOLDER / "examples" / "test_your_integration.py"))
    tests = [each for name, each in example.items() if name.startswith("test_")]

    assert len(tests) == 2
    for test in tests:
        simulator.reset()
        with Metronome(base_url=simulator.url, bearer_token=TOKEN, max_retries=0) as client:
            test(client, simulator)
