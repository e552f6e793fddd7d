"""The page as one file: it opens nothing, runs nothing but itself, and carries what it checks against."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from truth_sealing import page
from truth_sealing.__main__ import main

SAMPLES = Path(__file__).parents[1] / "samples"
POLICY, KEYS = (SAMPLES / "policy").read_bytes(), (SAMPLES / "keys.json").read_bytes()


def hashed(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_its_own_script_and_style_are_all_that_may_run() -> None:
    text = page.single_file(POLICY, KEYS).decode()
    (allowed,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert allowed.replace("&#x27;", "'").split("; ") == [
        "default-src 'none'",
        f"script-src '{hashed(script)}'",
        f"style-src '{hashed(style)}'",
        "img-src blob:",
        "form-action 'none'",
        "base-uri 'none'",
    ]
    assert text.count("<script") == text.count("<style") == 1


def test_it_refers_to_nothing_outside_itself() -> None:
    text = page.single_file(POLICY, KEYS).decode()
    assert re.findall(r"\b(?:src|href|action|import|fetch|XMLHttpRequest)\b\s*[=(]", text) == ["src ="]
    assert "image.src = URL.createObjectURL(" in text
    assert re.findall(r"^(?:import|export) .*", text, re.MULTILINE) == []
    assert " style=" not in text
    assert " onclick=" not in text


def test_it_carries_the_policy_and_the_keys() -> None:
    text = page.single_file(POLICY, KEYS).decode()
    for name, octets in (("policy", POLICY), ("keys", KEYS)):
        (encoded,) = re.findall(f' data-{name}="([^"]*)"', text)
        assert base64.b64decode(encoded) == octets
    assert ' data-keys=""' in page.single_file(POLICY, None).decode()


def test_every_module_is_in_it_once() -> None:
    text = page.script()
    served_only = {"seal.js", "reference.js"}
    modules = {file.name for file in page.FOLDER.glob("*.js")} - served_only
    assert len(modules) >= 20
    assert [name for name in modules if text.count(f"// {name}\n") != 1] == []


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "verify.html"
    assert main(["page", str(out), "--policy", str(SAMPLES / "policy")]) == 0
    assert out.read_bytes() == page.single_file(POLICY, KEYS)
    assert capsys.readouterr().out == f"{out}\n"


def test_the_command_puts_no_unusable_policy_into_it(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("trust me\n")
    assert main(["page", str(tmp_path / "verify.html"), "--policy", str(tmp_path / "policy")]) == 2
    assert not (tmp_path / "verify.html").exists()
