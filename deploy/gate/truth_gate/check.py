"""The schema part of `make check`: the code as it is, against the last release of everybody else."""

import shutil
import sys
import tempfile
from pathlib import Path

from truth_contracts.topics import SERVICES

from truth_gate.decide import by_schemas
from truth_gate.places import RELEASED
from truth_gate.release import manifest_now, schemas_now
from truth_gate.released import Released
from truth_gate.verdict import Exit, Finding, verdict


def findings_now() -> list[Finding]:
    """Each service's present code beside the last release of the others: every pair of schemas."""
    with tempfile.TemporaryDirectory(prefix="truth-check-") as folder:
        released = with_present(RELEASED, Path(folder) / "released")
        last = {service: released.last(service) for service in SERVICES}
        return [
            finding for service in SERVICES for finding in by_schemas(manifest_now(service), last, released)
        ]


def with_present(released: Path, into: Path) -> Released:
    """A copy of what was released, with the schemas of the present versions laid beside it."""
    shutil.copytree(released, into)
    for file, text in schemas_now(into).items():
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return Released(into)


def check() -> int:
    """Print what says no, and the count; returns the exit code of the verdict."""
    findings = findings_now()
    for one in findings:
        if one.says != "yes":
            line = f"{one.says}: {one.what} by {one.writer}, read by {one.reader}: {one.why}\n"
            sys.stderr.write(line)
    said = verdict(findings)
    sys.stdout.write(f"{len(findings)} pairs of contracts beside the last release: {said.name.lower()}\n")
    return Exit(said)
