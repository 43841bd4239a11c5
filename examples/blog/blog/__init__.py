"""A small blog, to show migrations with."""
