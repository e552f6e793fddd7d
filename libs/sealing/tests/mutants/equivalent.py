"""Mutants that cannot be told from the verifier by any input, and why."""

EQUIVALENT: dict[tuple[str, str], str] = {}
