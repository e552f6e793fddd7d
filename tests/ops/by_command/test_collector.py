"""`make ops PART=collector`: a real OpenTelemetry Collector, built from its Go modules, runs with our configuration.

It scrapes the five services for a real Prometheus, whose names are those that were scraped, and hands a span on.
"""

import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from truth_contracts.topics import SERVICES
from truth_kit.tracing import ENDPOINT, set_up
from truth_local.demo.acting import wait_for
from truth_local.system import System

from tests.ops.by_command.collecting import Collector, collector
from tests.ops.by_command.debian import NotToBeHadError
from tests.ops.by_command.scraping import (
    FOLDER,
    ask,
    free_address,
    pointed_at,
    prometheus_at,
    running,
    up,
)

SECONDS = 60
_BUILD_SECONDS = 1_800
_TAGS = "remove_all_sd"  # without every cloud's service discovery: minutes and 2 GB less to compile


@pytest.fixture(scope="module")
def otelcol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collector's binary. The first build takes minutes, later ones seconds."""
    if shutil.which("go") is None:
        raise NotToBeHadError("put Go on the PATH to build the collector")
    made = tmp_path_factory.mktemp("collector") / "otelcol"
    words = ["go", "build", "-tags", _TAGS, "-o", str(made), "."]
    ran = subprocess.run(  # noqa: S603 fixed words
        words, cwd=Path(__file__).parent / "collector", capture_output=True, text=True,
        timeout=_BUILD_SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2_000:]
    return made


@dataclass(frozen=True, slots=True)
class Between:
    """The collector between the services, a Prometheus, and what keeps spans."""

    otlp: str
    prometheus: str
    spans: Collector


@pytest.fixture(scope="module")
def between(
    system: System, otelcol: Path, prometheus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Between]:
    """With our configuration, but for addresses and how often it looks."""
    folder = tmp_path_factory.mktemp("between")
    config = yaml.safe_load((FOLDER / "collector.yml").read_text())
    otlp, health = free_address(), free_address()
    config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = otlp
    config["extensions"]["health_check"]["endpoint"] = health
    config["receivers"]["prometheus"]["config"]["global"] = {"scrape_interval": "1s"}
    pointed_at(system, config["receivers"]["prometheus"]["config"]["scrape_configs"])
    (folder / "collector.yml").write_text(yaml.safe_dump(config))
    with (
        collector() as spans,
        prometheus_at(prometheus, folder, {}, "--web.enable-remote-write-receiver") as kept,
        running(
            [otelcol, "--config=collector.yml"],
            folder,
            TRUTH_TRACES_ENDPOINT=spans.url,
            TRUTH_METRICS_ENDPOINT=f"{kept}/api/v1/write",
        ),
    ):
        wait_for(lambda: is_healthy(f"http://{health}") or None, "collector that is ready", SECONDS)
        yield Between(f"http://{otlp}", kept, spans)


def is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_the_collector_takes_the_file_as_it_is(otelcol: Path) -> None:
    there = {
        "TRUTH_TRACES_ENDPOINT": "http://tempo:4318",
        "TRUTH_METRICS_ENDPOINT": "http://p:9090/api/v1/write",
    }
    words = [otelcol, "validate", f"--config={FOLDER / 'collector.yml'}"]
    ran = subprocess.run(words, env=there, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 ours
    assert ran.returncode == 0, ran.stderr


def test_metrics_arrive_under_the_names_that_were_scraped(system: System, between: Between) -> None:
    wait_for(lambda: up(between.prometheus) == set(SERVICES) or None, "five services that are up", SECONDS)
    scraped = httpx.get(f"{system.urls['intake']}/metrics", trust_env=False).text
    names = {one.name for family in text_string_to_metric_families(scraped) for one in family.samples}
    assert "truth_relay_forbidden_total" in names

    def missing() -> set[str]:
        found = ask(between.prometheus, "query", query='{job="truth", service="intake"}')
        return names - {one["metric"]["__name__"] for one in found["result"]}

    wait_for(lambda: not missing() or None, "every name", SECONDS)


def test_a_span_is_handed_on(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, between.otlp)
    tracer = set_up("probe", "1.0.0")
    assert tracer is not None
    tracer.start_span("process nothing").end()
    wait_for(lambda: between.spans.spans or None, "span", SECONDS)
    assert [(one.service, one.name) for one in between.spans.spans] == [("probe", "process nothing")]
