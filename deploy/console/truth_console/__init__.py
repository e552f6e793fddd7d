"""The `truth` command: what operators of the system type."""
