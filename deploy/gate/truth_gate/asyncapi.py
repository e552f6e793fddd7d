"""The AsyncAPI 3.1 document: topics with their messages, headers, keys, partitions, senders and receivers."""

import inspect
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, cast

from truth_contracts.base import Contract
from truth_contracts.envelope import source_of, type_of
from truth_contracts.export import schema_files
from truth_contracts.steps import PathEvent
from truth_contracts.topics import PARTITIONS, TOPICS, UPSTREAM, Topic

from truth_gate.places import short

_TEXT = {"type": "string"}
_UPSTREAM_SOURCE = _TEXT | {"pattern": "^/upstreams/[a-z0-9][a-z0-9-]{0,63}$"}
_BINDING = "0.5.0"


def document() -> str:
    """The document as JSON; always the same bytes for the same contracts."""
    schemas = {name.removesuffix(".json"): json.loads(text) for name, text in schema_files().items()}
    components: dict[str, Any] = {}
    for name, schema in schemas.items():
        components |= _hoisted(name, schema)
    messages = {short(type_of(kind)): _message(topic, kind) for topic in TOPICS for kind in topic.events}
    told = {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Runtime Truth",
            "version": version("truth-contracts"),
            "description": (
                "The hand-offs of the path Actor → Request → Intake → Task → | Create Job | → Job → "
                "ServiceEvent → Record → Signal. Every message is a CloudEvent 1.0 in binary mode."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(sorted(_operations().items())),
        "components": {
            "messages": messages | {"dead-letter": _dead_letter()},
            "schemas": dict(sorted(components.items())),
        },
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _channel(topic: Topic) -> dict[str, Any]:
    names = _message_names(topic)
    return {
        "address": topic.name,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": PARTITIONS,
                "replicas": 3,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": topic.retention_ms,
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in TOPICS:
        operations[f"{topic.owner}.send.{topic.name}"] = _operation(topic, "send")
        for reader in topic.readers:
            operations[f"{reader}.receive.{topic.name}"] = _operation(topic, "receive")
    return operations


def _operation(topic: Topic, action: str) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _message_names(topic)],
    }


def _message_names(topic: Topic) -> list[str]:
    return [short(type_of(kind)) for kind in topic.events] or ["dead-letter"]


def _message(topic: Topic, kind: type[Contract]) -> dict[str, Any]:
    name = short(type_of(kind))
    told = inspect.cleandoc(kind.__doc__ or "")
    keyed = "The request's id." if issubclass(kind, PathEvent) else "Chosen by whoever wrote the message."
    return {
        "name": type_of(kind),
        "title": kind.__name__,
        "summary": told.partition("\n")[0],
        "description": told,
        "contentType": "application/json",
        "headers": _headers(topic, kind),
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": keyed}, "bindingVersion": _BINDING},
        },
    }


def _headers(topic: Topic, kind: type[Contract]) -> dict[str, Any]:
    """What stands in a message's headers (CloudEvents 1.0, Kafka binding, binary mode)."""
    ours = topic.owner != UPSTREAM
    told: dict[str, Any] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _TEXT | {"minLength": 1, "maxLength": 64},
        "ce_source": {"const": source_of(topic.owner)} if ours else _UPSTREAM_SOURCE,
        "ce_type": {"const": type_of(kind)},
        "content-type": {"const": "application/json"},
    }  # fmt: skip
    required = list(told)
    if ours:
        told["ce_time"] = _TEXT | {"format": "date-time"}
        told["ce_dataschema"] = {"const": f"urn:runtime-truth:{topic.name}:{kind.VERSION}"}
        required += ["ce_time", "ce_dataschema"]
    if issubclass(kind, PathEvent):
        told |= {"ce_subject": _TEXT | {"format": "uuid"}, "ce_partitionkey": _TEXT | {"format": "uuid"}}
        required += ["ce_subject", "ce_partitionkey"]
    told["traceparent"] = _TEXT | {"description": "W3C Trace Context."}
    return {"type": "object", "properties": told, "required": required}


def _dead_letter() -> dict[str, Any]:
    names = (
        "dl_topic",
        "dl_partition",
        "dl_offset",
        "dl_reason",
        "dl_detail",
        "dl_service",
        "dl_version",
        "dl_at",
    )
    return {
        "name": "dead-letter",
        "title": "DeadLetter",
        "summary": "A message that a service refused to act on: its key, value and headers, and why.",
        "headers": {"type": "object", "properties": {name: _TEXT for name in names}, "required": list(names)},
        "payload": {"description": "The refused message's value, byte for byte; whatever that was."},
        "bindings": {
            "kafka": {"key": {"description": "The refused message's key."}, "bindingVersion": _BINDING}
        },
    }


def _hoisted(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema and its parts as components, since a reference in this document starts at its root."""
    inner = cast("dict[str, Any]", schema.get("$defs", {}))
    outer = {key: value for key, value in schema.items() if key not in ("$defs", "$schema", "$id")}
    found = {name: outer} | {f"{name}.{part}": value for part, value in inner.items()}
    text = json.dumps(found).replace('"#/$defs/', f'"#/components/schemas/{name}.')
    return json.loads(text)
