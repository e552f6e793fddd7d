"""Whether the bytes of every piece of evidence are there and are those that the Record commits to."""

from collections.abc import Mapping
from dataclasses import dataclass

from truth_sealing.canonical import is_same, said
from truth_sealing.findings import Finding, finding
from truth_sealing.sealed import SealedRecord
from truth_sealing.shown import Shown
from truth_sealing.steps import STEPS


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file given beside the bundle: the digest of its bytes, and how many they are."""

    sha256: str
    size: int


def evidence_complete(
    record: SealedRecord,
    shown: Shown,
    files: Mapping[str, EvidenceFile] | None,
    labels: Mapping[str, int],
) -> Finding:
    """Whether a file fits each piece. `files` by name, None when no folder was given; `labels` are sizes."""
    paths = [path for path in record.commitments if path.startswith("evidence/")]
    folder = dict(files or {})
    given = {file.sha256: file for file in folder.values()}
    wrong = [f"{path} is not what the Record commits to" for path in paths if path in shown.refused]
    missing = [f"{path} is not disclosed" for path in paths if path not in shown.values]
    pieces = {path: shown.values[path] for path in paths if path in shown.values}
    lacking = [path for path, digest in pieces.items() if digest not in given]
    if files is None and pieces:
        missing.append("no folder with the bytes was given")
    elif lacking:
        strangers = _strangers(folder, set(pieces.values()))
        wrong += [f"{name} is not the evidence it is given as" for name in strangers]
        missing += [f"the bytes of {path} are not there" for path in lacking]
    wrong += [
        f"{path} has another size than the bundle says"
        for path, digest in pieces.items()
        if digest in given and labels.get(path, given[digest].size) != given[digest].size
    ]
    missing += _never_given(record)
    return finding("evidence_complete", wrong=wrong, missing=missing, right=f"{len(paths)} pieces, all there")


def _strangers(files: Mapping[str, EvidenceFile], wanted: set[str]) -> list[str]:
    """Files that fit no piece. One named by its own digest is simply evidence of something else."""
    unfit = {name: file for name, file in files.items() if file.sha256 not in wanted}
    return [name for name, file in unfit.items() if name.rpartition("/")[2].partition(".")[0] != file.sha256]


def _never_given(record: SealedRecord) -> list[str]:
    stages = record.link(STEPS[-1])["facts"].get("evidence_missing", [])
    if is_same(stages, []):
        return []
    return [f"the work ended without the evidence required for {said(stages)}"]
