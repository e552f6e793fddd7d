"""What the source itself must show: one function makes a Job, and nothing but its HTTP route reaches it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import truth_governance
from fastapi.routing import APIRoute
from truth_governance.api import create_job
from truth_governance.consumer import routes
from truth_governance.pages import create_job as pages

PACKAGE = Path(truth_governance.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


def uses(name: str) -> Iterator[str]:
    """Where `name` is used, as file:function; imports and annotations do not count."""
    for file in SOURCES:
        for function in functions(ast.parse(file.read_text())):
            if any(is_use(node, name) for statement in function.body for node in ast.walk(statement)):
                yield f"{file.relative_to(PACKAGE)}:{function.name}"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def is_use(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=found) | ast.Attribute(attr=found):
            return found == name
        case _:
            return False


def texts() -> Iterator[tuple[str, str]]:
    for file in SOURCES:
        tree = ast.parse(file.read_text())
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                yield str(file.relative_to(PACKAGE)), node.value


def test_guardrail_1_job_created_is_made_in_one_function() -> None:
    assert list(uses("JobCreated")) == ["api/create_job.py:create_job"]
    assert list(uses("JobCreatedBody")) == ["domain/create_job.py:create_job"]
    assert list(uses("insert_creation")) == ["api/create_job.py:create_job"]
    assert list(uses("Promotion")) == ["api/create_job.py:create_job", "domain/create_job.py:create_job"]
    assert list(uses("hand_off")) == ["api/create_job.py:create_job"]


def test_guardrail_1_nothing_calls_create_job_but_its_two_doors() -> None:
    # The API's function calls the decision of the same name; the dialog's door calls the API's function.
    assert list(uses("create_job")) == [
        "api/create_job.py:create_job",
        "pages/create_job.py:give_create_job",
    ]
    assert list(uses("give_create_job")) == []
    doors = [
        (route.methods, route.path)
        for router, endpoint in (
            (create_job.router, create_job.create_job),
            (pages.router, pages.give_create_job),
        )
        for route in router.routes
        if isinstance(route, APIRoute) and route.endpoint is endpoint
    ]
    assert doors == [({"POST"}, "/api/tasks/{task_id}/job"), ({"POST"}, "/tasks/{task_id}/job")]


def test_guardrail_1_the_topic_is_named_nowhere() -> None:
    assert list(uses("JOBS_CREATED")) == []
    assert [file for file, text in texts() if "jobs.created" in text] == []


def test_guardrail_1_no_consumer_and_no_timer_can_seal() -> None:
    assert {route.topic.name for route in routes({})} == {
        "intakes.accepted",
        "intakes.answered",
        "jobs.changed",
        "service-events.changed",
    }
    assert sorted({use.partition(":")[0] for use in uses("seal_step")}) == [
        "api/commanding.py",
        "api/create_job.py",
    ]
    app = (PACKAGE / "app.py").read_text()
    assert "tasks=" not in app  # nothing runs by itself beside the consumer and the relay
    assert "signer" not in (PACKAGE / "consumer.py").read_text()
