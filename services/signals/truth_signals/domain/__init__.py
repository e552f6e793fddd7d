"""Decisions, pure: whether a sealed Record verifies, what the policy says of it, and the Signal."""
