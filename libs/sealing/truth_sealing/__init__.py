"""Canonical form, signed steps, the log and its proofs: what a stranger needs to check a Record offline."""
