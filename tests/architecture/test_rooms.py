"""Five services, one shape; and what no tool of ours would notice otherwise."""

import ast
import re
from pathlib import Path

import pytest
from truth_contracts.topics import SERVICES

ROOT = Path(__file__).parents[2]
ROOMS = {"domain", "tables", "store", "consumer", "api", "settings", "app"}
SOURCES = sorted(
    file
    for pattern in ("libs/*/truth_*", "services/*/truth_*", "deploy/*/truth_*")
    for package in ROOT.glob(pattern)
    for file in package.rglob("*.py")
)
CANVAS = ("## Topics", "## Commands", "## States", "## Tables", "## Settings", "## Guardrails", "## Why so")


def rooms_of(service: str) -> set[str]:
    package = ROOT / "services" / service / f"truth_{service}"
    return {
        path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_rooms_that_all_have(service: str) -> None:
    assert rooms_of(service) >= ROOMS


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_readme_is_its_canvas(service: str) -> None:
    readme = (ROOT / "services" / service / "README.md").read_text()
    assert [heading for heading in CANVAS if f"\n{heading}\n" not in readme] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_makes_no_time_no_id_and_no_chance(service: str) -> None:
    package = ROOT / "services" / service / f"truth_{service}"
    domain = (
        [package / "domain.py"] if (package / "domain.py").exists() else [*(package / "domain").rglob("*.py")]
    )
    assert domain
    forbidden = re.compile(r"\b(now|utcnow|today|uuid4|uuid7|new_id|new_salt|utc_now|token_bytes)\(")
    assert [str(file) for file in domain if forbidden.search(file.read_text())] == []


def calls(file: Path) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def test_only_the_kit_declares_a_subscriber_and_nobody_publishes_in_batches() -> None:
    found = {file.relative_to(ROOT).as_posix(): calls(file) for file in SOURCES}
    assert {name for name, called in found.items() if "subscriber" in called} == {
        "libs/kit/truth_kit/subscribe/consumer.py"
    }
    assert {name for name, called in found.items() if called & {"publish_batch", "publisher"}} == set()


def test_every_dependency_is_a_coroutine() -> None:
    """FastAPI runs a plain function in a thread of a pool: a command with two paid 0.2 ms of CPU for nothing."""
    found: list[str] = []
    for file in SOURCES:
        tree = ast.parse(file.read_text())
        asked = {
            told.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Depends"
            for told in node.args
            if isinstance(told, ast.Name)
        }
        plain = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        found += [f"{file.relative_to(ROOT)}: {name}" for name in sorted(asked & plain)]
    assert found == []


def test_no_contract_is_changed_behind_its_validation() -> None:
    found = [file for file in SOURCES if "model_copy" in calls(file) | _names(file)]
    assert found == []


def _names(file: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("service", SERVICES)
def test_only_app_and_the_command_line_read_settings(service: str) -> None:
    package = ROOT / "services" / service / f"truth_{service}"
    readers = [
        file.name
        for file in package.rglob("*.py")
        if file.name not in ("app.py", "__main__.py", "settings.py")
        and f"truth_{service}.settings" in file.read_text()
    ]
    assert readers == []
