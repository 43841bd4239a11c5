"""A plan in, a script out; and the scripts that are there."""
