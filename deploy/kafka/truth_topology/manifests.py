"""The topology as Strimzi's custom resources, for a Kafka that its operator keeps."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import yaml

from truth_topology.topology import Grant, Size, TopicState, desired

CLUSTER = "truth"
"""Name of the Kafka that the manifests belong to."""

_API = "kafka.strimzi.io/v1"
_HEADER = """\
# Written by `truth topics render` from libs/contracts. Do not edit: a test compares.
# Passwords are not here: the operator makes one for each user, in the Secret kafka-<user>.
"""

Object = Mapping[str, object]


def render(size: Size) -> str:
    """KafkaTopic and KafkaUser objects as YAML documents, in a stable order."""
    wanted = desired(size)
    topics = [_topic(name, state, size) for name, state in sorted(wanted.topics.items())]
    by_user = {
        user: list(grants) for user, grants in groupby(sorted(wanted.grants), key=attrgetter("principal"))
    }
    users = [_user(user, by_user.get(user, ())) for user in sorted(wanted.users)]
    return _HEADER + yaml.safe_dump_all([*topics, *users], sort_keys=False, explicit_start=True)


def _topic(name: str, state: TopicState, size: Size) -> Object:
    spec = {"partitions": state.partitions, "replicas": size.replication, "config": dict(state.config)}
    return _object("KafkaTopic", name, spec)


def _user(name: str, grants: Sequence[Grant]) -> Object:
    acls = [
        {"resource": {"type": kind, "name": resource, "patternType": "literal"}, "operations": operations}
        for (kind, resource), operations in _operations(grants).items()
    ]
    spec = {"authentication": {"type": "scram-sha-512"}, "authorization": {"type": "simple", "acls": acls}}
    return _object("KafkaUser", name, spec)


def _operations(grants: Sequence[Grant]) -> dict[tuple[str, str], list[str]]:
    """Kafka's operations in Strimzi's spelling, by resource. Hosts and patterns are those of every Grant."""
    found: dict[tuple[str, str], list[str]] = {}
    for grant in grants:
        found.setdefault((grant.resource.lower(), grant.name), []).append(grant.operation.capitalize())
    return found


def _object(kind: str, name: str, spec: Object) -> Object:
    labels = {"strimzi.io/cluster": CLUSTER, "app.kubernetes.io/part-of": "runtime-truth"}
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}
