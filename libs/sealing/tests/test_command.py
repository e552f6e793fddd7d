"""The command line, and what ordinary tools make of what it extracts."""

import base64
import hashlib
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from truth_sealing import samples
from truth_sealing.__main__ import main
from truth_sealing.bundle import write_bundle
from truth_sealing.keys import FileSigner, VerifyKey
from truth_sealing.sealed import read_record
from truth_sealing.signal import PolicyReference, Verified, sign_envelope, statement

KEYS = samples.Keys()
BUNDLE = samples.bundle(KEYS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What somebody holds who was given a Record."""
    (tmp_path / "record.bundle.json").write_bytes(write_bundle(BUNDLE))
    (tmp_path / "policy").write_bytes(KEYS.policy())
    (tmp_path / "keys.json").write_bytes(KEYS.keyring())
    (tmp_path / "evidence").mkdir()
    for number, photo in enumerate(samples.PHOTOS):
        (tmp_path / "evidence" / f"{number}.jpg").write_bytes(photo)
    record = read_record(BUNDLE.record)
    verified = Verified(record["record_id"], BUNDLE.record, BUNDLE.proof, samples.ORIGIN, index=3, size=7)
    stated = statement(
        verified,
        verifier=KEYS.signal.name,
        at="2026-11-24T10:08:00.000Z",
        policy=PolicyReference("x:y", ""),
        rules=[],
    )
    (tmp_path / "signal.dsse.json").write_text(
        sign_envelope(stated, KEYS.signal, KEYS.signal.verify_key.key_id)
    )
    return tmp_path


def verified(folder: Path, *options: str) -> int:
    return main(["verify", str(folder / "record.bundle.json"), "--policy", str(folder / "policy"), *options])


def test_a_whole_bundle_is_accepted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--evidence", str(folder / "evidence"), "--signal", str(folder / "signal.dsse.json")]
    assert verified(folder, *options, "--require", "witnessed,evidence,path-signed,signal") == 0
    told = capsys.readouterr().out
    assert "yes        evidence complete: 2 pieces, all there" in told
    assert "yes        signal: signed by signals.example.org over this Record" in told
    assert "Nothing is wrong with what is shown." in told


def test_what_is_not_shown_fails_only_when_required(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(folder) == 0
    assert verified(folder, "--require", "evidence") == 1
    assert "Not accepted because of: evidence complete." in capsys.readouterr().out


def test_a_report_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "evidence" / "0.jpg").write_bytes(b"another door")
    assert verified(folder, "--json", "--evidence", str(folder / "evidence")) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == ["evidence_complete"]
    assert report["findings"]["evidence_complete"]["answer"] == "no"
    assert report["findings"]["logged"] == {"answer": "yes", "reason": f"entry 3 of 7 in {samples.ORIGIN}"}
    assert report["subject"]["record_id"] == samples.RECORD_ID


def test_a_signal_without_its_keys_or_its_record_is_not_shown(folder: Path) -> None:
    signal = ["--signal", str(folder / "signal.dsse.json"), "--require", "signal"]
    (folder / "keys.json").unlink()
    assert verified(folder, *signal) == 1
    (folder / "record.bundle.json").write_bytes(b"{}")
    (folder / "other.json").write_bytes(KEYS.keyring())
    assert verified(folder, *signal, "--keys", str(folder / "other.json")) == 1


@pytest.mark.parametrize(
    "options",
    [["--require", "everything"], ["--keys", "missing"], ["--evidence", "missing"], ["--signal", "missing"]],
)
def test_what_cannot_be_used_ends_with_2(folder: Path, options: list[str]) -> None:
    assert verified(folder, *options) == 2


@pytest.mark.parametrize("name", ["policy", "keys.json", "record.bundle.json"])
def test_an_input_that_cannot_be_read_ends_with_2(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert verified(folder) == 2


@pytest.mark.parametrize("name", ["policy", "keys.json"])
def test_a_policy_or_keys_file_that_is_none_ends_with_2(folder: Path, name: str) -> None:
    (folder / name).write_text("nothing")
    assert verified(folder) == 2


def test_bad_usage_ends_with_2() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["verify"])


def test_a_bundle_is_taken_apart_for_ordinary_tools(folder: Path) -> None:
    out = folder / "out"
    arguments = [str(folder / "record.bundle.json"), "--policy", str(folder / "policy"), "--out", str(out)]
    assert main(["extract", *arguments]) == 0
    record = (out / "record.json").read_bytes()
    assert hashlib.sha256(record).hexdigest() == json.loads((out / "entry").read_bytes())["sha256"]
    leaf = hashlib.sha256(b"\0" + (out / "entry").read_bytes()).digest()
    assert base64.b64decode((out / "leaf-hash.base64").read_text()) == leaf
    step = hashlib.sha256((out / "step-7-service_event_completed.json").read_bytes()).hexdigest()
    assert step == json.loads(record)["chain"][6]["sha256"]
    assert (out / "record.tlog-proof").read_text() == BUNDLE.proof
    assert VerifyKey.parse((out / "log.vkey").read_text()) == KEYS.log.verify_key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_the_checkpoint(folder: Path) -> None:
    arguments = [str(folder / "record.bundle.json"), "--policy", str(folder / "policy"), "--out", str(folder)]
    assert main(["extract", *arguments]) == 0
    command = (
        "openssl pkeyutl -verify -pubin -inkey log.pem -rawin -in checkpoint.txt -sigfile checkpoint.sig"
    )
    told = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 a constant
    assert "Verified Successfully" in told.stdout, told.stderr


def test_a_bundle_that_cannot_be_taken_apart_ends_with_2(folder: Path) -> None:
    (folder / "policy").write_bytes(samples.Keys().policy())
    arguments = [str(folder / "record.bundle.json"), "--policy", str(folder / "policy"), "--out", str(folder)]
    assert main(["extract", *arguments]) == 2
    (folder / "record.bundle.json").write_bytes(b"{}")
    assert main(["extract", *arguments]) == 2


def test_a_key_is_made_once_and_readable_by_its_owner_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log.pem"
    assert main(["keygen", samples.ORIGIN, str(file)]) == 0
    assert FileSigner.read(samples.ORIGIN, file).verify_key.vkey == capsys.readouterr().out.strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert main(["keygen", samples.ORIGIN, str(file)]) == 2
    assert main(["keygen", "two words", str(tmp_path / "other.pem")]) == 2


def test_it_runs_as_a_module(folder: Path) -> None:
    command = [sys.executable, "-m", "truth_sealing", "verify", "record.bundle.json", "--policy", "policy"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 our own interpreter
    assert (told.returncode, "yes        logged" in told.stdout) == (0, True)
