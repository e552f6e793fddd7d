"""Review, assignment and the one-way Create Job command."""
