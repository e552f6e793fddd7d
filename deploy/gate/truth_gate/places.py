"""Where the exported and the released lie, beside the contracts."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
"""The checkout: this package is a tool of it, and is not installed without it."""

CONTRACTS = ROOT / "libs" / "contracts"
SAMPLES = CONTRACTS / "samples"
RELEASED = CONTRACTS / "released"


def short(type_name: str) -> str:
    """`truth.jobs.created.v1` as file and folder names have it: `jobs.created.v1`."""
    return type_name.removeprefix("truth.")
