"""Emits, by policy and never by hand, trust Signals over sealed Records."""
