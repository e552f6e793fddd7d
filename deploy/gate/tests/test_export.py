"""What is generated is fresh and stable, what is released is unchanged, and samples are what contracts say."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from truth_contracts.base import Contract, read
from truth_contracts.envelope import Coordinates, Message, Received, from_kafka, type_of
from truth_contracts.manifest import contracts
from truth_contracts.topics import SERVICES, TOPICS
from truth_gate.export import generated, sample_files
from truth_gate.golden import MADE
from truth_gate.places import CONTRACTS, RELEASED, SAMPLES, short
from truth_gate.release import manifest_now, schemas_now
from truth_gate.released import Released, digest
from truth_gate.samples import Sample, read_sample

KINDS = {type_of(kind): kind for kind in contracts()}
FILES = sorted(SAMPLES.rglob("*.json"))
TOPIC = {topic.name: topic for topic in TOPICS}


def message_of(sample: Sample) -> Message:
    headers = tuple((name, value.encode()) for name, value in sample.headers.items())
    return Message(sample.topic or "", sample.key.encode() if sample.key else None, sample.octets, headers)


def kind_of(file: Path) -> type[Contract]:
    return KINDS[f"truth.{file.parent.parent.name}"]


def test_every_generated_file_is_fresh() -> None:
    assert [file.name for file, text in generated().items() if file.read_text() != text] == [], (
        "run `make schemas`"
    )


def test_samples_are_the_same_at_every_run_and_those_of_the_present_versions_are_all_there() -> None:
    wanted = sample_files()
    assert wanted == sample_files()
    assert [file for file in wanted if not file.exists()] == [], "run `make schemas`"


def test_released_files_are_only_ever_added_to() -> None:
    index = Released(RELEASED).index()
    changed = [
        name
        for name, known in index.items()
        if not (CONTRACTS / name).exists() or digest(CONTRACTS / name) != known
    ]
    assert changed == []


def test_the_present_contracts_are_those_released_under_their_version() -> None:
    """A contract that changed needs another VERSION; words in descriptions may change without."""
    changed = [
        file.name
        for file, text in schemas_now(RELEASED).items()
        if file.exists() and without_words(json.loads(file.read_text())) != without_words(json.loads(text))
    ]
    assert changed == []


def without_words(schema: Any) -> Any:
    """A schema without titles and descriptions; `required` is a set."""
    if isinstance(schema, list):
        return [without_words(one) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    told: dict[str, Any] = {}
    for name, value in cast("dict[str, Any]", schema).items():
        if name != "title" and not (name == "description" and isinstance(value, str)):
            told[name] = sorted(value) if name == "required" else without_words(value)
    return told


@pytest.mark.parametrize("service", SERVICES)
def test_the_present_manifest_is_the_released_one_of_its_version(service: str) -> None:
    now = manifest_now(service)
    released = Released(RELEASED).manifest(service, now.version)
    assert (released.reads, released.writes) == (now.reads, now.writes), "raise the service's version"


@pytest.mark.parametrize("kind", contracts(), ids=lambda kind: kind.__name__)
def test_each_version_has_its_samples(kind: type[Contract]) -> None:
    names = {file.stem for file in (SAMPLES / short(type_of(kind)) / kind.VERSION).iterdir()}
    assert {f"{number:02}" for number in range(1, MADE + 1)} | {"newer-minor"} <= names


def test_every_sample_is_read_as_it_lies_in_its_topic() -> None:
    for file in FILES:
        sample = read_sample(file)
        if sample.topic is None:
            assert read(kind_of(file), sample.octets)
            continue
        place = Coordinates(sample.topic, 0, 1)
        received = from_kafka(TOPIC[sample.topic], message_of(sample), place, datetime.now(UTC))
        assert isinstance(received, Received), (file, received)
        assert isinstance(received.event, kind_of(file))


@pytest.mark.parametrize("kind", contracts(), ids=lambda kind: kind.__name__)
def test_the_committed_schema_takes_every_sample_of_its_writer(kind: type[Contract]) -> None:
    file = CONTRACTS / "truth_contracts" / "schemas" / f"{short(type_of(kind))}.json"
    schema = json.loads(file.read_text())
    Draft202012Validator.check_schema(schema)
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = cast("Any", Draft202012Validator(schema, format_checker=checker))  # partly untyped
    folder = SAMPLES / short(type_of(kind)) / kind.VERSION
    for sample in map(read_sample, sorted(folder.glob("[0-9]*.json"))):
        assert list(validator.iter_errors(sample.value)) == []
        broken = {name: member for name, member in sample.value.items() if name != next(iter(sample.value))}
        assert list(validator.iter_errors({**broken, "of_nobody": 1})) != []  # it does refuse


@pytest.mark.parametrize("page", [CONTRACTS / "UPSTREAMS.md", CONTRACTS.parents[1] / "README.md"])
def test_the_request_that_a_page_shows_fits_the_published_schema(page: Path) -> None:
    schema = json.loads(
        (CONTRACTS / "truth_contracts" / "schemas" / "requests.submitted.v1.json").read_text()
    )
    (shown,) = re.findall(r"^echo '(.*)' \|$", page.read_text(), re.MULTILINE)
    assert list(cast("Any", Draft202012Validator(schema)).iter_errors(json.loads(shown))) == []


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value whose members are told by a contract (a link's facts are not)."""
    if isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from objects(one)
    elif isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        yield members
        for name, member in members.items():
            if name != "facts":
                yield from objects(member)


@pytest.mark.parametrize("kind", contracts(), ids=lambda kind: kind.__name__)
def test_a_reader_is_open_and_a_writer_closed_at_every_depth(kind: type[Contract]) -> None:
    sample = read_sample(SAMPLES / short(type_of(kind)) / kind.VERSION / "01.json")
    known = read(kind, sample.octets)
    for number in range(sum(1 for _ in objects(sample.value))):
        newer = json.loads(sample.octets)
        list(objects(newer))[number]["of_a_newer_minor"] = {"n": [1, None]}
        assert read(kind, json.dumps(newer).encode()) == known
        with pytest.raises(ValidationError, match="of_a_newer_minor"):
            kind.model_validate_json(json.dumps(newer))


def test_a_changed_sample_is_noticed(tmp_path: Path) -> None:
    changed = tmp_path / "01.json"
    changed.write_text(FILES[0].read_text().replace("2026", "2027"))
    with pytest.raises(ValueError, match="digest differs"):
        read_sample(changed)
