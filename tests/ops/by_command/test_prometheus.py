"""`make ops PART=prometheus`: a real Prometheus scrapes the five services; a stopped one fires its alert, and clears it."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml
from truth_local.demo.acting import wait_for
from truth_local.system import System

from tests.ops.by_command.scraping import FOLDER, ask, pointed_at, prometheus_at, up

SECONDS = 60


@pytest.fixture(scope="module")
def url(system: System, prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A Prometheus that looks every second, and whose alerts wait for two instead of minutes."""
    folder = tmp_path_factory.mktemp("scraping")
    rules = yaml.safe_load((FOLDER / "rules/truth.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["for"] = "2s"
    (folder / "truth.yml").write_text(yaml.safe_dump(rules))
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = ["truth.yml"]
    pointed_at(system, config["scrape_configs"])
    with prometheus_at(prometheus, folder, config) as address:
        yield address


def firing(url: str) -> set[tuple[str, str]]:
    found = ask(url, "alerts")
    alerts: list[Any] = found["alerts"] if found else []
    return {
        (one["labels"]["alertname"], one["labels"]["service"]) for one in alerts if one["state"] == "firing"
    }


def test_five_services_are_scraped_and_a_stopped_one_fires_and_clears(system: System, url: str) -> None:
    services = {"intake", "governance", "execution", "records", "signals"}
    wait_for(lambda: up(url) == services or None, "five targets that are up", SECONDS)
    wait_for(lambda: not firing(url) or None, "no alert", 2 * SECONDS)
    system.stop("signals-1")
    try:
        wait_for(lambda: ("TruthServiceDown", "signals") in firing(url) or None, "the alert", SECONDS)
        assert {service for _, service in firing(url)} == {"signals"}
    finally:
        system.start("signals-1")
    wait_for(lambda: not firing(url) or None, "an alert that cleared", 2 * SECONDS)
