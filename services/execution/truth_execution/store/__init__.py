"""Queries, each a function of a connection."""
