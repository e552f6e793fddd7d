"""`truth can-i-deploy SERVICE VERSION` says whether a release may go out, or back.

Exit codes: 0 yes; 1 no; 2 could not find out, which is never taken for yes.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from truth_contracts.topics import SERVICES
from truth_gate.decide import can_i_deploy
from truth_gate.flight import NotFoundOutError, live
from truth_gate.places import RELEASED
from truth_gate.released import Released, UnknownReleaseError
from truth_gate.verdict import Exit, Finding, table, verdict

from truth_console.options import LOCAL, Where

_console = Console()
_WORDS = {Exit.YES: "yes", Exit.NO: "no", Exit.UNKNOWN: "could not find out"}


def answer(
    service: Annotated[str, typer.Argument(help=", ".join(SERVICES))],
    version: Annotated[
        str, typer.Argument(help="a release that is laid down, newer or older than what runs")
    ],
    where: Where = LOCAL,
    folder: Annotated[Path, typer.Option("--released", help="the folder of what was released")] = RELEASED,
    everything: Annotated[bool, typer.Option("--all", help="also show every line that says yes")] = False,
) -> None:
    """Whether a release may go out or back. Exit code 0: yes, 1: no, 2: could not find out."""
    released = Released(folder)
    try:
        findings = can_i_deploy(released.manifest(service, version), live(where), released)
    except (NotFoundOutError, UnknownReleaseError) as failure:
        _console.print(f"Could not find out: {failure}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(Exit.UNKNOWN) from failure
    said = verdict(findings)
    shown = (
        findings if everything else [one for one in findings if one.says != "yes" or one.proof != "schemas"]
    )
    _console.print(_matrix(shown))
    counts = ", ".join(f"{count} {word}" for word, count in table(findings).items())
    _console.print(f"{service} {version}: {_WORDS[said]} ({counts})", highlight=False, soft_wrap=True)
    raise typer.Exit(said)


def _matrix(findings: list[Finding]) -> Table:
    matrix = Table("proof", "what", "written by", "read by", "says", "why", expand=False)
    for one in findings:
        style = {"yes": "green", "no": "red", "unknown": "yellow"}[one.says]
        matrix.add_row(one.proof, one.what, one.writer, one.reader, f"[{style}]{one.says}[/]", one.why)
    return matrix
