"""Verdicts over releases that are laid down for the test: out, back, newer majors, waivers, what is not known."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from truth_contracts.manifest import Manifest
from truth_contracts.topics import SERVICES
from truth_gate.check import findings_now
from truth_gate.decide import Environments, by_samples, by_schemas
from truth_gate.pairs import pairs
from truth_gate.places import CONTRACTS, RELEASED
from truth_gate.released import Released
from truth_gate.verdict import Exit, Finding, Flying, by_flight, verdict

SEALED, V2 = "truth.records.sealed.v1", "truth.records.sealed.v2"
NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


@pytest.fixture
def released(tmp_path: Path) -> Released:
    """A copy of what was released, to add to."""
    shutil.copytree(CONTRACTS / "samples", tmp_path / "samples")
    return Released(shutil.copytree(RELEASED, tmp_path / "released"))


def deployed(released: Released) -> dict[str, Manifest]:
    return {service: released.manifest(service, "1.0.0") for service in SERVICES}


def lay_down(released: Released, version: str, change: Any, type_name: str = SEALED) -> None:
    """Another version of a contract: `change` gets each side's schema."""
    folder = released.folder / "schemas" / type_name.removeprefix("truth.")
    folder.mkdir(exist_ok=True)
    for side in ("write", "read"):
        schema = released.schema(SEALED, "1.0", side)
        change(schema, side)
        (folder / f"{version}.{side}.json").write_text(json.dumps(schema))


def optional(schema: dict[str, Any], side: str) -> None:
    schema["properties"]["shelf"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    if side == "write":
        schema["required"].append("shelf")


def required(schema: dict[str, Any], _side: str) -> None:
    schema["properties"]["shelf"] = {"type": "string"}
    schema["required"].append("shelf")


def unchanged(_schema: dict[str, Any], _side: str) -> None:
    pass


def speaking(manifest: Manifest, version: str, contract: str, type_name: str = SEALED) -> Manifest:
    """The manifest of another release, which speaks another version of records.sealed."""

    def other(told: Mapping[str, str]) -> dict[str, str]:
        return {**told, type_name: contract} if SEALED in told else dict(told)

    return Manifest(
        name=manifest.name, version=version, contracts=manifest.contracts,
        reads=other(manifest.reads), writes=other(manifest.writes),
    )  # fmt: skip


def no(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.says != "yes"]


def test_the_present_code_fits_the_last_release_of_everybody_else() -> None:
    assert verdict(findings_now()) is Exit.YES


def test_every_topic_is_paired_with_each_of_its_readers(released: Released) -> None:
    present = deployed(released)
    found = {
        (pair.type, pair.reader.partition(" ")[0]) for pair in pairs(present["records"], present, released)
    }
    assert {(SEALED, "signals"), (SEALED, "intake"), (SEALED, "partner")} <= found
    assert ("truth.service-events.completed.v1", "records") in found
    assert ("truth.requests.received.v1", "records") in found  # inside `steps`


def test_an_added_optional_member_may_go_out_and_back(released: Released) -> None:
    lay_down(released, "1.1", optional)
    present = deployed(released)
    for service in ("records", "signals"):
        candidate = speaking(present[service], "1.1.0", "1.1")
        assert no(by_schemas(candidate, present, released)) == []
        assert no(by_schemas(present[service], {**present, service: candidate}, released)) == []


def test_a_reader_that_demands_more_may_not_go_out_before_its_writer(released: Released) -> None:
    lay_down(released, "1.1", required)
    present = deployed(released)
    found = no(by_schemas(speaking(present["signals"], "1.1.0", "1.1"), present, released))
    assert {(one.writer, one.says) for one in found} == {("records 1.0.0", "no"), ("earlier releases", "no")}
    assert found[0].why == "/shelf: the reader demands it, the writer does not write it"


def test_a_new_major_goes_out_only_after_its_readers_and_with_a_waiver_for_outsiders(
    released: Released,
) -> None:
    lay_down(released, "2.0", unchanged, V2)
    present = deployed(released)
    writer = speaking(present["records"], "2.0.0", "2.0", V2)
    assert {one.reader.partition(" ")[0] for one in no(by_schemas(writer, present, released))} == {
        "signals", "intake", "partner",
    }  # fmt: skip
    ready = {service: speaking(present[service], "1.1.0", "2.0", V2) for service in ("signals", "intake")}
    left = no(by_schemas(writer, {**present, **ready}, released))
    assert {one.reader.partition(" ")[0] for one in left} == {"partner"}
    waiver = {
        "type": V2,
        "writer": "2.0",
        "reader": "none",
        "path": "$",
        "reason": "All partners were asked.",
    }
    (released.folder / "waivers.json").write_text(json.dumps([waiver]))
    assert no(by_schemas(writer, {**present, **ready}, released)) == []


def test_a_reader_may_not_go_back_behind_what_its_writer_writes(released: Released) -> None:
    lay_down(released, "2.0", unchanged, V2)
    present = deployed(released)
    now = {**present, "records": speaking(present["records"], "2.0.0", "2.0", V2)}
    assert verdict(by_schemas(present["signals"], now, released)) is Exit.NO


def test_what_is_in_flight_is_told_with_count_and_age(released: Released) -> None:
    signals = deployed(released)["signals"]
    flying = Flying("records.sealed after signals's offset", V2, "2.0", 3, NOW - timedelta(minutes=5))
    found = by_flight(signals, flying, released, NOW)
    assert found.says == "no"
    assert found.why == "3 messages, the oldest 0:05:00 old: the reader does not know this type"
    known = Flying("records.sealed after signals's offset", SEALED, "1.0", 1, NOW)
    assert by_flight(signals, known, released, NOW).says == "yes"
    never = Flying("records.sealed after signals's offset", SEALED, "1.7", 1, NOW)
    assert by_flight(signals, never, released, NOW).says == "unknown"


def test_not_knowing_is_never_yes(released: Released) -> None:
    assert verdict([]) is Exit.UNKNOWN
    present = deployed(released)
    candidate = speaking(present["signals"], "1.9.0", "1.9")
    assert verdict(by_schemas(candidate, present, released)) is Exit.UNKNOWN


def test_samples_run_through_the_released_package_and_a_bad_one_is_told(
    released: Released, tmp_path: Path
) -> None:
    present = deployed(released)
    # Another digest than the checkout's, so that the wheels themselves are installed and asked.
    (package,) = released.packages()
    (package / "contracts.sha256").write_text("released\n")
    as_released = {
        name: Manifest.model_validate(told.model_dump() | {"contracts": "released"})
        for name, told in present.items()
    }
    environments = Environments(released, tmp_path / "environments")
    found = by_samples(present["intake"], as_released, released, environments)
    assert {one.reader for one in found} >= {"intake 1.0.0", "governance 1.0.0", "execution 1.0.0"}
    assert no(found) == []
    sample = tmp_path / "samples/intakes.accepted.v1/1.0/01.json"
    text = sample.read_text()
    told = json.loads(text)
    told["headers"]["ce_type"] = "truth.intakes.accepted.v9"
    sample.write_text(json.dumps(told))
    (refused,) = [
        one
        for one in by_samples(present["intake"], as_released, released, environments)
        if one.says == "no" and one.reader.startswith("governance")
    ]
    assert "needs upgrade to truth.intakes.accepted.v9" in refused.why
