"""Second opinions on what we export: AsyncAPI's own parser, TypeScript's compiler, CloudEvents' own SDKs."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_binary_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from truth_contracts.envelope import Coordinates, Message, Received, from_kafka
from truth_contracts.requests import RequestSubmitted
from truth_contracts.topics import REQUESTS_SUBMITTED, TOPICS
from truth_gate.places import CONTRACTS, SAMPLES
from truth_gate.samples import read_sample

from tests.contracts.node import FOLDER, node, run

DOCUMENT = CONTRACTS / "asyncapi.json"
REQUEST = {
    "request_key": "k-1", "surface": "kitchen-repairs", "summary": "Wasserhahn tropft 🚰",
    "description": "Die ganze Nacht.", "requester": {"name": "Rita"},
}  # fmt: skip


def test_the_official_parser_has_nothing_to_say_of_the_asyncapi_document() -> None:
    told = json.loads(run("parse.mjs", given=DOCUMENT.read_text()))
    assert told == {"diagnostics": [], "channels": len(TOPICS)}


def test_the_official_parser_catches_a_broken_reference() -> None:
    broken = DOCUMENT.read_text().replace(
        '"#/components/messages/jobs.created.v1"', '"#/components/messages/no"', 1
    )
    told = json.loads(run("parse.mjs", given=broken))
    assert any(one["code"] == "invalid-ref" for one in told["diagnostics"]), told


def test_every_topic_has_its_channel_its_writer_and_its_readers() -> None:
    document = json.loads(DOCUMENT.read_text())
    for topic in TOPICS:
        assert document["channels"][topic.name]["bindings"]["kafka"]["topicConfiguration"]["retention.ms"]
        assert document["operations"][f"{topic.owner}.send.{topic.name}"]["action"] == "send"
        for reader in topic.readers:
            assert document["operations"][f"{reader}.receive.{topic.name}"]["action"] == "receive"


def test_the_typescript_types_are_fresh_and_the_snippet_compiles(tmp_path: Path) -> None:
    upstream = CONTRACTS / "upstream"
    schema = (CONTRACTS / "truth_contracts/schemas/requests.submitted.v1.json").read_text()
    assert run("types.mjs", given=schema) == (upstream / "request.ts").read_text(), "see its first line"
    for file in upstream.glob("*.ts"):
        shutil.copy(file, tmp_path)
    (tmp_path / "wrong.ts").write_text(
        'import type { RequestSubmitted } from "./request";\n'
        'export const wrong: RequestSubmitted = { request_key: 1, surface: "s", summary: "x", description: "" };\n'
    )
    assert compiled(tmp_path, "publish.ts") == ""
    assert "TS2322" in compiled(tmp_path, "wrong.ts")  # the compiler does look


def compiled(folder: Path, file: str) -> str:
    """What TypeScript's compiler says of a file."""
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    command = [
        node(),
        str(FOLDER / "node_modules/typescript/bin/tsc"),
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2022",
    ]
    command += ["--module", "commonjs", "--esModuleInterop", "--types", "node", "--outDir", str(folder), file]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    return ran.stdout + ran.stderr


def ours() -> list[dict[str, Any]]:
    """A message of each of our own contracts, as it leaves."""
    files = sorted(SAMPLES.glob("*/*/01.json"))
    samples = [read_sample(file) for file in files if not file.parent.parent.name.startswith("requests.subm")]
    return [
        {"key": one.key, "headers": dict(one.headers), "value": one.octets.decode()}
        for one in samples
        if one.topic is not None
    ]


def test_the_javascript_sdk_reads_every_event_of_ours() -> None:
    messages = ours()
    for message, event in zip(
        messages, json.loads(run("events.mjs", "read", given=json.dumps(messages))), strict=True
    ):
        headers = message["headers"]
        assert {name: event[name] for name in ("id", "source", "type", "dataschema")} == {
            name: headers[f"ce_{name}"] for name in ("id", "source", "type", "dataschema")
        }
        assert event["time"] == headers["ce_time"]
        assert event.get("subject") == headers.get("ce_subject")
        assert event.get("partitionkey") == headers.get(
            "ce_partitionkey", message["key"]
        )  # its way with a key
        data = event["data"] if isinstance(event["data"], dict) else json.loads(event["data"])
        assert data == json.loads(message["value"])


def test_the_python_sdk_reads_every_event_of_ours() -> None:
    for message in ours():
        octets = {name: value.encode() for name, value in message["headers"].items()}
        key = None if message["key"] is None else message["key"].encode()
        event = from_binary_event(KafkaMessage(octets, key, message["value"].encode()), JSONFormat())
        assert event.get_id() == message["headers"]["ce_id"]
        assert event.get_type() == message["headers"]["ce_type"]
        assert event.get_data() == json.loads(message["value"])


def accepted(key: bytes | None, headers: dict[str, bytes], value: bytes) -> Received[Any]:
    message = Message(REQUESTS_SUBMITTED.name, key, value, tuple(headers.items()))
    place = Coordinates(REQUESTS_SUBMITTED.name, 0, 7)
    received = from_kafka(REQUESTS_SUBMITTED, message, place, datetime.now(UTC))
    assert isinstance(received, Received), received
    assert received.event == RequestSubmitted.model_validate_json(json.dumps(REQUEST))
    return received


@pytest.mark.parametrize("mode", [0, 1], ids=["binary", "structured"])
def test_an_event_by_the_javascript_sdk_is_accepted(mode: int) -> None:
    message = json.loads(run("events.mjs", "write", given=json.dumps({"request": REQUEST, "id": "js-1"})))[
        mode
    ]
    headers = {name: value.encode() for name, value in message["headers"].items()}
    received = accepted(None, headers, message["value"].encode())
    assert (received.event_id, received.source) == ("js-1", "/upstreams/acme")


@pytest.mark.parametrize("write", [to_binary_event, to_structured_event])
def test_an_event_by_the_python_sdk_is_accepted(write: Any) -> None:
    attributes = {
        "id": "py-1", "source": "/upstreams/acme", "type": "truth.requests.submitted.v1", "specversion": "1.0",
        "datacontenttype": "application/json", "time": datetime.now(UTC),
    }  # fmt: skip
    message = write(CloudEvent(attributes, dict(REQUEST)), JSONFormat())
    headers = {name: bytes(value) for name, value in message.headers.items()}
    key = message.key.encode() if isinstance(message.key, str) else message.key
    received = accepted(key, headers, message.value)
    assert (received.event_id, received.source) == ("py-1", "/upstreams/acme")
