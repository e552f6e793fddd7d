"""Seals what happened into permanent Records."""
