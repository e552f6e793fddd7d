"""Starting a system and stopping it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from truth_topology.apply import apply
from truth_topology.topology import LOCAL, principals

from truth_local import kafka, postgres, processes, services, store
from truth_local.layout import SERVICES
from truth_local.passwords import password
from truth_local.register import register
from truth_local.system import System
from truth_local.trust import write_trust
from truth_local.watch import Watch

READY = "ready"
STOPPED = "stopped"


def start_infrastructure(system: System, watch: Watch) -> None:
    """Kafka with topics, users and rights, PostgreSQL with databases and roles, the issuer, any S3 server.

    What runs already is left running. Raises StartError or PortTakenError, and stops nothing then.
    """
    write_trust(system.layout, system.ports)
    watch.together(
        [
            partial(_start_kafka, system, watch),
            partial(_start_postgres, system, watch),
            partial(_start_issuer, system, watch),
            *([partial(_start_store, system, watch)] if system.evidence == "s3" else []),
        ]
    )


def start_services(system: System, watch: Watch) -> None:
    """Migrations, then every replica of the five services, then the local operators and surfaces."""
    watch.together([partial(_migrate, system, watch, service) for service in SERVICES])
    names = list(system.replica_urls)
    watch.together([partial(_start, system, watch, name) for name in names])
    watch.say("operators and surfaces", "registering")
    register(system)
    watch.say("operators and surfaces", READY)


def stop_all(system: System, tell: Callable[[str, str], None]) -> int:
    """Stop every part, services first, and kill what is left; returns how many were killed so."""
    with ThreadPoolExecutor(len(system.parts)) as pool:
        list(pool.map(partial(_stop, system, tell), system.replica_urls))
        others = [name for name in system.parts if name not in system.replica_urls]
        list(pool.map(partial(_stop, system, tell), others))
    return processes.sweep(system.layout.folder)


def _stop(system: System, tell: Callable[[str, str], None], name: str) -> None:
    if name not in system.outside and system.is_running(name):
        tell(name, "stopping")
        system.stop(name)
        tell(name, STOPPED)


def _start_kafka(system: System, watch: Watch) -> None:
    if "kafka" not in system.outside and not system.is_running("kafka"):
        system.ports.require_free("kafka-controller")
        system.ports.require_free("kafka")
        kafka.prepare(system.layout, system.ports, watch, system.detours)
    _start(system, watch, "kafka", told=False)
    watch.say("kafka", "applying topics, users and rights")
    passwords = {name: password(system.layout.kafka_password(name)) for name in principals(LOCAL)}
    apply(kafka.login(system.layout, system.ports, "admin"), LOCAL, passwords)
    watch.say("kafka", READY)


def _start_postgres(system: System, watch: Watch) -> None:
    if "postgres" not in system.outside and not system.is_running("postgres"):
        postgres.prepare(system.layout, system.ports, partial(watch.say, "postgres"))
    _start(system, watch, "postgres", told=False)
    watch.say("postgres", "making databases and roles")
    postgres.create_databases(system.layout, system.ports)
    watch.say("postgres", READY)


def _start_issuer(system: System, watch: Watch) -> None:
    _start(system, watch, "issuer")


def _start_store(system: System, watch: Watch) -> None:
    if not system.is_running("store"):
        store.prepare(system.layout, partial(watch.say, "store"))
    _start(system, watch, "store")


def _migrate(system: System, watch: Watch, service: str) -> None:
    watch.say(f"{service}-1", "migrating its database")
    services.migrate(system.layout, system.ports, service)


def _start(system: System, watch: Watch, name: str, *, told: bool = True) -> None:
    if not system.is_running(name):
        if name not in system.outside:
            system.ports.require_free(name)
        watch.say(name, "starting")
    system.start(name, watch.check)
    if told:
        watch.say(name, READY)
