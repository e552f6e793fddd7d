"""`python -m truth_local.demo.samples FOLDER`: what a running system publishes, for others' verifiers.

A system of its own walks a few requests and is thrown away, private keys and all. FOLDER then holds one
Record's bundle with its photos and its Signal, its proof, what verifiers pin, and, below `log/`, files of the
log under their own paths.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from truth_sealing.bundle import read_bundle
from truth_sealing.checkpoint import parse_checkpoint
from truth_sealing.note import parse_note
from truth_sealing.proof import LogProof, parse_proof
from truth_sealing.tiles import TILE_WIDTH, tile_at, tile_path

from truth_local import ports
from truth_local.demo import checking, doors, walk
from truth_local.demo.acting import Person, RefusedError
from truth_local.demo.checking import Kept, UnverifiedError
from truth_local.demo.photo import take_small_photo
from truth_local.demo.walk import People, Walked, unseen
from truth_local.starting import start_infrastructure, start_services, stop_all
from truth_local.system import System, describe
from truth_local.watch import Watch

_REQUESTS = 5
_SHOWN = 2  # in the middle of the tree, so that its proof has hashes of both sides


def main() -> None:
    """Write the samples."""
    parser = argparse.ArgumentParser(prog="python -m truth_local.demo.samples", description=__doc__)
    parser.add_argument("folder", type=Path, help="new or empty folder to write into")
    target = parser.parse_args().folder
    own = Path(tempfile.mkdtemp(prefix="truth-samples-"))
    system = describe(own, ports.free())
    try:
        start_infrastructure(system, Watch())
        start_services(system, Watch())
        who = replace(walk.people(system), camera=take_small_photo)
        walked = [_walk(who) for _ in range(_REQUESTS)]
        write(system, walked[_SHOWN], target)
    finally:
        stop_all(system, lambda _part, _what: None)
        shutil.rmtree(own, ignore_errors=True)


def write(system: System, walked: Walked, folder: Path) -> None:
    """Write what the services serve of one walked request, byte for byte, and verify it from the files.

    Raises FileExistsError when the folder holds something, UnverifiedError when what was served does not hold
    together, as when the log grew meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    reader = walk.people(system).auditor
    envelope = str(reader.get("signals", f"/api/signals/{walked.signal_id}")["envelope"])
    bundle = _served(reader, f"/records/{walked.record_id}/bundle")
    proof = read_bundle(bundle).proof
    files = {
        "record.bundle.json": bundle,
        "record.tlog-proof": proof.encode(),
        "signal.dsse.json": envelope.encode(),
        "policy": _served(reader, "/.well-known/runtime-truth/policy"),
        "keys.json": _served(reader, "/.well-known/runtime-truth/keys.json"),
        **{path: _served(reader, f"/{path}") for path in _log_paths(parse_proof(proof))},
        **{f"evidence/{n:04}.jpg": photo for n, photo in enumerate(walked.photos.values(), start=1)},
    }
    for path, octets in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(octets)
    if files["log/checkpoint"] != parse_proof(proof).checkpoint.encode():
        raise UnverifiedError("the log grew while its files were fetched")
    kept = Kept(folder / "record.bundle.json", folder / "evidence", folder / "signal.dsse.json")
    checking.verify_files(kept, folder / "policy")


def _walk(who: People) -> Walked:
    asked = doors.request("kitchen-repairs", "The tap drips", "It drips all night long.")
    return walk.walk("sample", doors.over_http("sample", asked, who, unseen), who, unseen)


def _log_paths(proof: LogProof) -> list[str]:
    """The checkpoint, and the tile of leaf hashes and entries in which the Record lies."""
    head = parse_checkpoint(parse_note(proof.checkpoint).text)
    tile = tile_at(0, proof.index // TILE_WIDTH, head.size)
    if tile is None:
        raise UnverifiedError(f"index {proof.index} is beyond the tree of {head.size}")
    return ["log/checkpoint", f"log/tile/0/{tile_path(tile)}", f"log/tile/entries/{tile_path(tile)}"]


def _served(reader: Person, path: str) -> bytes:
    answer = reader.raw("GET", "records", path)
    if not answer.is_success:
        raise RefusedError(answer)
    return answer.content


if __name__ == "__main__":
    main()
