"""Decisions over a Task, pure: from an Intake to the one-way Create Job command."""
