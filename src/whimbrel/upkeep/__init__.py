"""Histories that need care: lost revisions, drift, branches that meet."""
