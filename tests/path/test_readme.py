"""The README's Python snippet, run as it stands, against the real broker."""

import json
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from truth_local.demo import acting, doors
from truth_local.demo.acting import wait_for
from truth_local.demo.walk import People
from truth_local.system import System

ROOT = Path(__file__).parents[2]


def test_the_readmes_snippet_publishes_a_request(system: System, who: People, tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    login = system.principals["upstream-acme"]
    principals = {"upstream-acme": {"username": login.username, "password": login.password}}
    (tmp_path / ".truth").mkdir()
    local = {"kafka": {"bootstrap": system.bootstrap, "principals": principals}}
    (tmp_path / ".truth" / "local.json").write_text(json.dumps(local))
    request_key = f"order-{uuid4().hex}"
    script = snippet.replace("order-4711", request_key).replace("4711-1", uuid4().hex)
    ran = subprocess.run(  # noqa: S603 the README's own text
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    intake = wait_for(lambda: acting.intake_of(who.auditor, doors.SOURCE, request_key), "Intake")
    assert intake["surface"] == "kitchen-repairs"
