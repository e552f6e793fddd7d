"""Command line: check a bundle offline, in a browser too; take it apart for other tools; make a key."""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from truth_sealing.bundle import BUNDLE_BYTES_MAX, BundleError, read_bundle
from truth_sealing.evidence import EvidenceFile
from truth_sealing.extract import ExtractError, extracted
from truth_sealing.findings import FINDINGS, Finding, Report
from truth_sealing.keyring import Keyring, KeyringError, read_keyring
from truth_sealing.keys import FileSigner, KeyFormatError, is_key_name
from truth_sealing.logged import Trust
from truth_sealing.page import single_file
from truth_sealing.policy import PolicyError, parse_policy
from truth_sealing.sealed import RecordError, read_record
from truth_sealing.signal import ENVELOPE_CHARACTERS_MAX, check_signal
from truth_sealing.verify import verify

ACCEPTED, FAILED, UNUSABLE = 0, 1, 2
_EXIT_CODES = """exit codes:
  0  no finding is "no", and everything required is "yes"
  1  a finding is "no", or a required one is "not shown"
  2  bad usage, or an input that cannot be read"""
_SHORT_NAMES = {
    "evidence": "evidence_complete",
    "person": "create_job_signed_by_person",
    "duties": "duties_separated",
}
_MARKS = {"yes": "yes      ", "no": "NO       ", "not shown": "not shown"}


class UnusableError(Exception):
    """An input that cannot be used; ends the command with exit code 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except (UnusableError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m truth_sealing",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="verify | page | extract | keygen")
    check = commands.add_parser("verify", help="check a bundle, needing no service and no network")
    check.add_argument("bundle", type=Path, help="record.bundle.json")
    check.add_argument("--policy", type=Path, required=True, help="pinned tlog-policy file")
    check.add_argument("--keys", type=Path, help="pinned keys file; default: keys.json beside the policy")
    check.add_argument("--evidence", type=Path, help="folder with the bytes of the evidence")
    check.add_argument("--signal", type=Path, help="DSSE envelope of a Signal over this Record")
    check.add_argument("--require", default="", help="findings that must be yes, joined by commas")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.set_defaults(command=_verify)
    page = commands.add_parser("page", help="write the page that checks bundles in a browser, as one file")
    page.add_argument("out", type=Path, help="file to write, such as verify.html")
    page.add_argument("--policy", type=Path, required=True, help="tlog-policy file to put into it")
    page.add_argument("--keys", type=Path, help="keys file; default: keys.json beside the policy")
    page.set_defaults(command=_page)
    extract = commands.add_parser("extract", help="take a bundle apart for sha256sum, openssl and others")
    extract.add_argument("bundle", type=Path)
    extract.add_argument("--policy", type=Path, required=True)
    extract.add_argument("--out", type=Path, required=True, help="folder to write into")
    extract.set_defaults(command=_extract)
    keygen = commands.add_parser("keygen", help="make an Ed25519 key; prints its public half (vkey)")
    keygen.add_argument("name", help="the log's origin, a service's name, or a schema-less URL")
    keygen.add_argument("file", type=Path, help="new file for the private key, mode 0400")
    keygen.set_defaults(command=_keygen)
    return parser


def _verify(options: argparse.Namespace) -> int:
    required = _required(options.require)
    trust = _trust(options.policy, options.keys)
    octets = _read(options.bundle, BUNDLE_BYTES_MAX)
    report = verify(octets, trust, _evidence(options.evidence) if options.evidence else None)
    if options.signal:
        envelope = _read(options.signal, ENVELOPE_CHARACTERS_MAX).decode("utf-8", "replace")
        report = Report((*report.findings, _signal(octets, envelope, report, trust.keyring)), report.subject)
    failures = report.failures(required)
    sys.stdout.write(_as_json(report, failures) if options.json else _as_text(report, failures))
    return FAILED if failures else ACCEPTED


def _signal(octets: bytes, envelope: str, report: Report, keyring: Keyring | None) -> Finding:
    if keyring is None:
        return Finding("signal", "not shown", "no signal keys are pinned")
    try:
        record = read_record(read_bundle(octets).record)
    except (BundleError, RecordError) as error:
        return Finding("signal", "not shown", f"there is no Record to compare it with: {error}")
    origin, index = report.subject.get("origin"), report.subject.get("index")
    place = (origin, index) if isinstance(origin, str) and isinstance(index, int) else None
    return check_signal(envelope, record, place, keyring)


def _page(options: argparse.Namespace) -> int:
    _trust(options.policy, options.keys)  # what the page could not use is not put into it
    keys = _keys_file(options.policy, options.keys)
    options.out.write_bytes(single_file(options.policy.read_bytes(), keys.read_bytes() if keys else None))
    sys.stdout.write(f"{options.out}\n")
    return ACCEPTED


def _extract(options: argparse.Namespace) -> int:
    trust = _trust(options.policy, None)
    try:
        parts = extracted(_read(options.bundle, BUNDLE_BYTES_MAX), trust.policy)
    except (BundleError, ExtractError) as error:
        raise UnusableError(f"{options.bundle}: {error}") from error
    options.out.mkdir(parents=True, exist_ok=True)
    for name, octets in parts.items():
        (options.out / name).write_bytes(octets)
        sys.stdout.write(f"{options.out / name}\n")
    return ACCEPTED


def _keygen(options: argparse.Namespace) -> int:
    if not is_key_name(options.name):
        raise UnusableError("a key's name is not empty and holds neither space nor plus sign")
    signer = FileSigner.generate(options.name)
    signer.write(options.file)
    sys.stdout.write(f"{signer.verify_key.vkey}\n")
    return ACCEPTED


def _trust(policy: Path, keys: Path | None) -> Trust:
    chosen = _keys_file(policy, keys)
    try:
        keyring = read_keyring(chosen.read_bytes()) if chosen else None
        return Trust(parse_policy(policy.read_bytes()), keyring)
    except (PolicyError, KeyringError, KeyFormatError) as error:
        raise UnusableError(f"{chosen if isinstance(error, KeyringError) else policy}: {error}") from error


def _keys_file(policy: Path, keys: Path | None) -> Path | None:
    beside = policy.parent / "keys.json"
    return keys or (beside if beside.exists() else None)


def _required(names: str) -> tuple[str, ...]:
    required = tuple(_SHORT_NAMES.get(name, name) for name in names.replace("-", "_").split(",") if name)
    unknown = [name for name in required if name not in (*FINDINGS[:-1], "signal")]
    if unknown:
        raise UnusableError(
            f"cannot require {', '.join(unknown)}; choose from {', '.join(FINDINGS[:-1])}, signal"
        )
    return required


def _read(path: Path, longest: int) -> bytes:
    with path.open("rb") as file:
        return file.read(longest + 1)  # one more, so that the reader sees that it is too long


def _evidence(folder: Path) -> dict[str, EvidenceFile]:
    if not folder.is_dir():
        raise UnusableError(f"{folder} is not a folder")
    return {
        path.relative_to(folder).as_posix(): _digest(path) for path in folder.rglob("*") if path.is_file()
    }


def _digest(path: Path) -> EvidenceFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return EvidenceFile(digest, file.tell())


def _as_text(report: Report, failures: Sequence[Finding]) -> str:
    subject = "".join(f"{name}: {value}\n" for name, value in report.subject.items())
    findings = "".join(
        f"{_MARKS[f.answer]}  {f.name.replace('_', ' ')}: {f.reason}\n" for f in report.findings
    )
    names = ", ".join(found.name.replace("_", " ") for found in failures)
    verdict = f"Not accepted because of: {names}." if failures else "Nothing is wrong with what is shown."
    return f"{subject}\n{findings}\n{verdict}\n"


def _as_json(report: Report, failures: Sequence[Finding]) -> str:
    findings = {found.name: {"answer": found.answer, "reason": found.reason} for found in report.findings}
    failed = [found.name for found in failures]
    return json.dumps({"subject": report.subject, "findings": findings, "failed": failed}, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
