"""A database or a set of models in, its State out."""
