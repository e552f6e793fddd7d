"""`truth topics`: compares a Kafka with the contracts, makes it agree, or writes manifests that do.

Exit codes: 0 it agrees, or was made to; 1 `apply` would change something; 2 could not find out (no broker,
login refused, wrong use); 3 it must not be used as it is (somebody may write who should not, or partitions
differ).
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from truth_topology.apply import LoginTimeoutError, TopologyRefusedError, apply, make_plan
from truth_topology.connection import BrokerError
from truth_topology.manifests import render
from truth_topology.plan import Plan
from truth_topology.topology import Size

from truth_console.target import Target, TargetError, given, local, login

app = typer.Typer(help=__doc__, no_args_is_help=True)
_console = Console()


class Exit(IntEnum):
    """What the process ends with."""

    AGREES = 0
    DIFFERS = 1
    UNKNOWN = 2
    REFUSED = 3


Facts = Annotated[
    Path | None, typer.Option("--local", help="local.json of a local system; nothing else is needed then")
]
Bootstrap = Annotated[str, typer.Option(envvar="TRUTH_KAFKA_BOOTSTRAP", help="host:port of a broker")]
Username = Annotated[str, typer.Option(envvar="TRUTH_KAFKA_USERNAME", help="an administrator")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(envvar="TRUTH_KAFKA_PASSWORD_FILE", help="file with the administrator's password"),
]
Protocol = Annotated[
    str,
    typer.Option(
        envvar="TRUTH_KAFKA_PROTOCOL",
        help="SASL_SSL or SASL_PLAINTEXT; PLAINTEXT or SSL at a listener that only administrators reach",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(envvar="TRUTH_KAFKA_CA_FILE", help="PEM of the cluster's CA; default: the system's"),
]
Brokers = Annotated[
    int, typer.Option(help="how many brokers there are: three keep every message thrice", min=1)
]
Upstreams = Annotated[
    list[str] | None, typer.Option("--upstream", help="name of a system that submits requests")
]
Partners = Annotated[
    list[str] | None, typer.Option("--partner", help="name of a reader of Records and Signals")
]


@app.command("plan")
def show_plan(  # noqa: PLR0913 one parameter for each option
    *,
    facts: Facts = None,
    bootstrap: Bootstrap = "",
    username: Username = "admin",
    password_file: PasswordFile = None,
    protocol: Protocol = "SASL_SSL",
    ca_file: CaFile = None,
    brokers: Brokers = 3,
    upstreams: Upstreams = None,
    partners: Partners = None,
) -> None:
    """Say what `apply` would change. Exit code 0: nothing, 1: something, 2: unknown, 3: must not be used."""
    with _failures():
        target = (
            local(facts)
            if facts
            else given(
                login(bootstrap, username, password_file, protocol, ca_file),
                brokers,
                (upstreams or (), partners or ()),
            )
        )
        plan = make_plan(target.login, target.size)
    _print(plan, "would be")
    if plan.refused:
        raise typer.Exit(Exit.REFUSED)
    raise typer.Exit(Exit.DIFFERS if plan.has_changes else Exit.AGREES)


@app.command("apply")
def make_agree(  # noqa: PLR0913 one parameter for each option
    *,
    facts: Facts = None,
    bootstrap: Bootstrap = "",
    username: Username = "admin",
    password_file: PasswordFile = None,
    protocol: Protocol = "SASL_SSL",
    ca_file: CaFile = None,
    brokers: Brokers = 3,
    upstreams: Upstreams = None,
    partners: Partners = None,
    passwords: Annotated[
        Path | None, typer.Option(help="folder of files named like the users, each holding a password")
    ] = None,
    users_at: Annotated[
        str | None, typer.Option(help="host:port where users log in (SASL_PLAINTEXT), if not at --bootstrap")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="also lower retention, which deletes messages")] = False,
) -> None:
    """Create and change what differs; delete nothing. Exit code 0: it agrees now, 2: unknown, 3: refused."""
    with _failures():
        target: Target = (
            local(facts)
            if facts
            else given(
                login(bootstrap, username, password_file, protocol, ca_file),
                brokers,
                (upstreams or (), partners or ()),
                users_at,
            )
        )
        known = target.passwords(passwords)
        plan = apply(target.login, target.size, known, may_lose=yes, users_at=target.users_at)
    _print(plan, "was")


@app.command("render")
def show_manifests(*, upstreams: Upstreams = None, partners: Partners = None) -> None:
    """Print the topology as Strimzi's KafkaTopic and KafkaUser objects. Asks no broker."""
    size = Size(upstreams=tuple(upstreams or ()), partners=tuple(partners or ()))
    sys.stdout.write(render(size))


@contextmanager
def _failures() -> Generator[None]:
    try:
        yield
    except TopologyRefusedError as refused:
        _console.print(f"Refused:\n{refused}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(Exit.REFUSED) from refused
    except (BrokerError, LoginTimeoutError, TargetError) as failure:
        _console.print(
            f"Could not find out: {failure}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        raise typer.Exit(Exit.UNKNOWN) from failure


def _print(plan: Plan, tense: str) -> None:
    lines = [
        *(f"+ topic {topic} {tense} created" for topic in plan.topics),
        *(f"~ {setting} {tense} changed" for setting in plan.settings),
        *(f"+ {grant} {tense} granted" for grant in plan.grants),
        *(f"+ user {user} {tense} made" for user in plan.users),
        *(f"? topic {topic} is not in the contracts, and is left alone" for topic in plan.foreign_topics),
        *(f"? {grant} is not in the contracts" for grant in plan.foreign_grants if not grant.may_change),
        *(f"! {reason}" for reason in plan.refused),
    ]
    for line in lines or ["The broker agrees with the contracts."]:
        _console.print(line, markup=False, highlight=False, soft_wrap=True)
