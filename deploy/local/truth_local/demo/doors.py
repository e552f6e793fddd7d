"""The three requests of the demo, and the doors they come through."""

from uuid import uuid4

from truth_topology.connection import Login

from truth_local.demo import acting, upstream
from truth_local.demo.acting import Answer, wait_for
from truth_local.demo.walk import People, Show

SOURCE = "/upstreams/acme"


def request(surface: str, summary: str, description: str) -> Answer:
    """A request as an upstream writes it, with a key of its own."""
    return {
        "request_key": f"demo-{uuid4().hex[:12]}",
        "surface": surface,
        "summary": summary,
        "description": description,
        "requester": {"name": "Rita Roth", "contact": "rita@example.org"},
        "place": "12 Mill Lane, second floor",
        "details": [{"name": "tenant-reference", "value": "ML-12-2"}],
    }


def over_kafka(label: str, asked: Answer, login: Login, who: People, show: Show) -> Answer:
    """Publish a request as an outside client does, and wait for its Intake."""
    event_id = upstream.publish(login, SOURCE, asked)
    show(label, "Request", event_id, "published to requests.submitted as a CloudEvent")
    return wait_for(lambda: acting.intake_of(who.auditor, SOURCE, asked["request_key"]), "Intake")


def over_http(label: str, asked: Answer, who: People, show: Show) -> Answer:
    """Post a request; the answer is its Intake."""
    intake = who.upstream.post("intake", "/api/requests", asked)
    show(label, "Request", asked["request_key"], "posted to POST /api/requests")
    return intake
