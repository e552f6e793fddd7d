"""`truth topics` against a real broker."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from truth_console.__main__ import app
from truth_console.topics import Exit
from truth_local.facts import write_facts
from truth_local.system import System
from truth_topology.broker import alter_settings, create_grants, delete_grants
from truth_topology.connection import Login, client
from truth_topology.plan import Setting
from truth_topology.topology import Grant
from typer.testing import CliRunner

MALLORY = Grant("mallory", "WRITE", "TOPIC", "jobs.created")


@pytest.fixture
def facts(infrastructure: System) -> Generator[Path]:
    write_facts(infrastructure)
    yield infrastructure.layout.facts
    infrastructure.layout.facts.unlink()


def admin(infrastructure: System) -> Login:
    return Login(infrastructure.bootstrap, "admin", infrastructure.principals["admin"].password)


def truth(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["topics", *arguments])
    return result.exit_code, result.output


def test_plan_says_that_the_local_broker_agrees(facts: Path) -> None:
    assert truth("plan", "--local", str(facts)) == (Exit.AGREES, "The broker agrees with the contracts.\n")


def test_plan_tells_a_difference_and_apply_mends_it(facts: Path, infrastructure: System) -> None:
    alter_settings(client(admin(infrastructure)), (Setting("jobs.created", "retention.ms", "", "1000"),))
    code, output = truth("plan", "--local", str(facts))
    assert code == Exit.DIFFERS
    assert output == "~ jobs.created retention.ms: 1000 → 2592000000 would be changed\n"
    assert truth("apply", "--local", str(facts))[0] == Exit.AGREES
    assert truth("plan", "--local", str(facts))[0] == Exit.AGREES


def test_apply_throws_messages_away_only_with_yes(facts: Path, infrastructure: System) -> None:
    alter_settings(client(admin(infrastructure)), (Setting("jobs.created", "retention.ms", "", "-1"),))
    assert truth("apply", "--local", str(facts))[0] == Exit.REFUSED
    assert truth("apply", "--local", str(facts), "--yes")[0] == Exit.AGREES


def test_plan_fails_on_a_foreign_writer(facts: Path, infrastructure: System) -> None:
    broker = client(admin(infrastructure))
    create_grants(broker, (MALLORY,))
    try:
        code, output = truth("plan", "--local", str(facts))
        assert code == Exit.REFUSED
        assert "! beyond the contracts: ALLOW mallory WRITE TOPIC jobs.created (LITERAL)" in output
        assert truth("apply", "--local", str(facts))[0] == Exit.REFUSED
    finally:
        delete_grants(broker, (MALLORY,))


def test_a_broker_can_be_given_by_options(infrastructure: System) -> None:
    password = str(infrastructure.principals["admin"].password_file)
    options = ["--bootstrap", infrastructure.bootstrap, "--password-file", password]
    code, output = truth(
        "plan", *options, "--protocol", "SASL_PLAINTEXT", "--upstream", "acme", "--partner", "demo"
    )
    assert code == Exit.REFUSED  # a production broker has 12 partitions, the local one 4
    assert "jobs.created has 4 partitions, not 12" in output


def test_no_password_is_printed(facts: Path) -> None:
    passwords = [user["password"] for user in json.loads(facts.read_text())["kafka"]["principals"].values()]
    output = truth("apply", "--local", str(facts))[1]
    assert not [password for password in passwords if password in output]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "give --local", id="no broker"),
        pytest.param(["--local", "/nowhere/local.json"], "cannot read /nowhere/local.json", id="no file"),
        pytest.param(["--local", "/dev/null"], "is not a local.json", id="not a local.json"),
    ],
)
def test_what_is_not_known_is_never_agreement(arguments: list[str], told: str) -> None:
    code, output = truth("plan", *arguments)
    assert code == Exit.UNKNOWN
    assert told in output


def test_a_refused_login_is_told_as_one(infrastructure: System, tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("wrong")
    options = [
        "--bootstrap",
        infrastructure.bootstrap,
        "--password-file",
        str(wrong),
        "--protocol",
        "SASL_PLAINTEXT",
    ]
    code, output = truth("plan", *options)
    assert code == Exit.UNKNOWN
    assert "Authentication failed" in output
