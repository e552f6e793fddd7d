"""Decisions, pure: what a Record says, how the log grows, what an audit finds."""
