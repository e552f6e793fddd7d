"""Publishes one request. Needs confluent-kafka, and nothing of Runtime Truth."""

import json
from pathlib import Path

from confluent_kafka import Producer

local = json.loads(Path(".truth/local.json").read_text())["kafka"]
login = local["principals"]["upstream-acme"]
producer = Producer(
    {
        "bootstrap.servers": local["bootstrap"],
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": login["username"],
        "sasl.password": login["password"],
        "acks": "all",
    }
)
request = {
    "request_key": "order-4711",
    "surface": "kitchen-repairs",
    "summary": "The tap drips",
    "description": "All night.",
    "requester": {"name": "Rita"},
}
producer.produce(
    "requests.submitted",
    json.dumps(request).encode(),
    headers={
        "ce_specversion": "1.0",
        "ce_id": "4711-1",
        "ce_source": "/upstreams/acme",
        "ce_type": "truth.requests.submitted.v1",
        "content-type": "application/json",
    },
)
producer.flush()
