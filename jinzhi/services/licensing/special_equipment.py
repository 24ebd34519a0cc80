"""Special equipment."""
