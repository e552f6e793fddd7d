"""HTTP in: one function per command or query. The tracker is open to whoever holds its link."""
