"""Detours: other addresses for one replica's neighbours, and a listener of the broker's for each."""

from pathlib import Path

from truth_local import kafka, ports
from truth_local.detours import free_detours, listener
from truth_local.system import describe


def test_every_replica_has_a_detour_on_ports_that_nothing_else_has() -> None:
    chosen = ports.free()
    detours = free_detours(2)
    taken = [*chosen.of.values()]
    for detour in detours.values():
        taken += [detour.kafka, detour.kafka_listener, detour.postgres]
    assert len(detours) == 10
    assert len(set(taken)) == len(taken)


def test_a_replica_is_told_its_detour_and_the_others_go_straight(tmp_path: Path) -> None:
    chosen = ports.free()
    detour = free_detours(1)["intake-1"]
    system = describe(tmp_path, chosen, 2, detours={"intake-1": detour})
    told, straight = (system.parts[name].environment for name in ("intake-1", "intake-2"))
    assert told["TRUTH_INTAKE_KAFKA_BOOTSTRAP"] == f"127.0.0.1:{detour.kafka}"
    assert told["TRUTH_INTAKE_DATABASE_DSN"] == f"postgresql://intake_app@127.0.0.1:{detour.postgres}/intake"
    assert straight["TRUTH_INTAKE_KAFKA_BOOTSTRAP"] == system.bootstrap


def test_the_broker_listens_for_a_replica_and_advertises_its_detour(tmp_path: Path) -> None:
    chosen = ports.free()
    detours = free_detours(1)
    system = describe(tmp_path, chosen, 1, detours=detours)
    kafka.write_properties(system.layout, chosen, detours)
    written = (system.layout.kafka / "server.properties").read_text().splitlines()
    lines = dict(line.split("=", 1) for line in written if "=" in line)
    for part, detour in detours.items():
        assert f"{listener(part)}://127.0.0.1:{detour.kafka_listener}" in lines["listeners"].split(",")
        assert f"{listener(part)}://127.0.0.1:{detour.kafka}" in lines["advertised.listeners"].split(",")
        assert f"{listener(part)}:SASL_PLAINTEXT" in lines["listener.security.protocol.map"].split(",")
