"""Rules, dashboard and runbook speak of what is there: every metric, every alert, every reason."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from truth_contracts.ops import Flow
from truth_contracts.topics import SERVICES
from truth_kit.lifecycle import readiness
from truth_kit.metrics import Metrics
from truth_kit.ops.exposition import exposition

ROOT = Path(__file__).parents[1]
RULES = yaml.safe_load((ROOT / "rules/truth.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
TESTS = yaml.safe_load((ROOT / "rules/truth_test.yml").read_text())
RUNBOOK = (ROOT / "RUNBOOK.md").read_text()
DASHBOARDS = sorted((ROOT / "dashboards").glob("*.json"))
NAMED = re.compile(r"\b(?:truth|messaging)_[a-z_]+\b(?!\w*=)")
LABELS = re.compile(r"messaging_destination_name|messaging_consumer_group_name")


def shown() -> set[str]:
    """Every name that a process may show, as /metrics declares them."""
    known: dict[str, Any] = dict.fromkeys(Flow.model_fields)
    known |= {"service": "x", "version": "1", "at": "2026-11-28T12:00:00Z", "reads": {}, "writes": {}}
    known |= {"failing": {}, "outbox_rows": 0, "redriven": 0}
    text = exposition(Metrics("x"), Flow.model_validate(known), ()).decode()
    names: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            parts = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
            names |= {name + part for part in parts}
    return names


def named(expression: str) -> set[str]:
    return set(NAMED.findall(LABELS.sub("", expression)))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_names_metrics_that_exist_and_its_section_of_the_runbook(rule: dict[str, Any]) -> None:
    assert named(rule["expr"]) <= shown()
    assert named(rule["expr"]) or rule["expr"].startswith("up")
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["runbook"] == f"RUNBOOK.md#{rule['alert'].lower()}"
    assert f"\n## {rule['alert']}\n" in RUNBOOK


def test_every_alert_is_shown_to_fire() -> None:
    fired = {
        one["alertname"]
        for test in TESTS["tests"]
        for one in test["alert_rule_test"]
        if one.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in ALERTS}


def test_the_runbook_speaks_of_no_alert_that_is_gone() -> None:
    assert set(re.findall(r"Truth[A-Z]\w+", RUNBOOK)) == {rule["alert"] for rule in ALERTS}


def test_the_runbook_has_every_part_that_readiness_names() -> None:
    source = Path(readiness.__file__).read_text()
    parts = set(re.findall(r'Failing\(\s*"(\w+)"', source))
    assert parts == {"process", "database", "schema", "outbox", "consumer", "relay"}
    assert [part for part in parts if f"\n## {part}\n" not in RUNBOOK] == []


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_a_dashboard_shows_metrics_that_exist(file: Path) -> None:
    board = json.loads(file.read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    used = {name for expression in expressions for name in named(expression)}
    assert used <= shown()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    bare = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in shown()}
    assert {name for name in bare if not any(one.startswith(name) for one in used)} == set()


def test_the_five_services_are_scraped() -> None:
    (job,) = yaml.safe_load((ROOT / "prometheus.yml").read_text())["scrape_configs"]
    assert job["job_name"] == "truth"
    assert [one["labels"]["service"] for one in job["static_configs"]] == list(SERVICES)
