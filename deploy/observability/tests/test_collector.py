"""The collector's configuration: whole in itself, made of the parts that `make ops PART=collector` builds and runs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from truth_kit.tracing import ENDPOINT

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "collector.yml").read_text()
CONFIG: dict[str, Any] = yaml.safe_load(TEXT)
BUILT = (ROOT.parents[1] / "tests/ops/by_command/collector/main.go").read_text()
PIPELINES: dict[str, dict[str, list[str]]] = CONFIG["service"]["pipelines"]
KINDS = ("receivers", "processors", "exporters")


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_that_is_set_up_is_used_and_every_used_one_is_set_up(kind: str) -> None:
    assert {part for pipeline in PIPELINES.values() for part in pipeline[kind]} == set(CONFIG[kind])


def test_every_part_is_in_the_collector_that_is_tried() -> None:
    named = {part for kind in (*KINDS, "extensions") for part in CONFIG[kind]}
    packages = re.findall(r'/(\w+?)(receiver|processor|exporter|extension)"$', BUILT, re.MULTILINE)
    assert {part.replace("_", "") for part in named} == {name for name, _ in packages}
    assert CONFIG["service"]["extensions"] == list(CONFIG["extensions"])


def test_it_scrapes_what_prometheus_would() -> None:
    prometheus = yaml.safe_load((ROOT / "prometheus.yml").read_text())
    assert CONFIG["receivers"]["prometheus"]["config"]["scrape_configs"] == prometheus["scrape_configs"]


def test_memory_is_bounded_before_anything_is_kept() -> None:
    assert {pipeline["processors"][0] for pipeline in PIPELINES.values()} == {"memory_limiter"}


def test_it_listens_where_its_first_lines_send_the_services() -> None:
    port = CONFIG["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    assert f"{ENDPOINT}=http://collector:{port}" in TEXT
    told = set(re.findall(r"^# (TRUTH_\w+)", TEXT, re.MULTILINE))
    assert set(re.findall(r"\$\{env:(\w+)\}", TEXT)) == told
