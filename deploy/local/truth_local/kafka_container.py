"""Kafka as a test container: apache/kafka with SCRAM and rights from its first start.

The KafkaContainer of testcontainers knows Confluent's image only, and neither SCRAM nor rights.
"""

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy
from truth_topology.topology import LOCAL

KAFKA_IMAGE = "apache/kafka:4.3.1"
_START_SECONDS = 120
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_KAFKA = {
    "NODE_ID": "1",
    "PROCESS_ROLES": "broker,controller",
    "CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
    "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "INTER_BROKER_LISTENER_NAME": "LOCAL",
    "LISTENERS": "CLIENT://:9092,LOCAL://localhost:9093,CONTROLLER://localhost:9094",
    "LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:SASL_PLAINTEXT,LOCAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "LISTENER_NAME_CLIENT_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512",
    "LISTENER_NAME_CLIENT_SCRAM___SHA___512_SASL_JAAS_CONFIG": _SCRAM,
    "AUTHORIZER_CLASS_NAME": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "SUPER_USERS": "User:ANONYMOUS;User:admin",  # the first on the container's own loopback only
    "ALLOW_EVERYONE_IF_NO_ACL_FOUND": "false",
    "AUTO_CREATE_TOPICS_ENABLE": "false",
    "LOG_MESSAGE_TIMESTAMP_TYPE": "LogAppendTime",
    "NUM_PARTITIONS": str(LOCAL.partitions),
    "OFFSETS_TOPIC_NUM_PARTITIONS": str(LOCAL.partitions),
    "BROKER_SESSION_TIMEOUT_MS": "4000",
    "BROKER_HEARTBEAT_INTERVAL_MS": "500",
    "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "LOG_DIRS": "/var/lib/kafka/data",
    "HEAP_OPTS": "-Xms256m -Xmx512m",
}


class ContainerError(RuntimeError):
    """A container did not do what it was told."""


class KafkaContainer(DockerContainer):
    """apache/kafka with SCRAM and rights from its first start, and one administrator, `admin`."""

    def __init__(self, port: int, admin: str) -> None:
        super().__init__(KAFKA_IMAGE)
        self._admin = admin
        self.with_bind_ports(9092, port)
        self.with_env("CLUSTER_ID", "UnVudGltZVRydXRoVGVzdA")
        self.with_envs(**{f"KAFKA_{name}": value for name, value in _KAFKA.items()})
        self.with_env("KAFKA_ADVERTISED_LISTENERS", f"CLIENT://127.0.0.1:{port},LOCAL://localhost:9093")
        started = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(_START_SECONDS)
        self.waiting_for(started)

    def make_admin(self) -> None:
        """Let `admin` log in, by way of the listener that only this container reaches."""
        done = self.exec(
            [
                *("/opt/kafka/bin/kafka-configs.sh", "--bootstrap-server", "localhost:9093", "--alter"),
                *("--entity-type", "users", "--entity-name", "admin"),
                *("--add-config", f"SCRAM-SHA-512=[password={self._admin}]"),
            ]
        )
        if done.exit_code != 0:
            raise ContainerError(f"Kafka's administrator could not be made:\n{done.output.decode()}")
