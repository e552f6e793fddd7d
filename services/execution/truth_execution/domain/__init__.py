"""Decisions and state, pure: the Job, its claim, its ServiceEvent, its completion."""
