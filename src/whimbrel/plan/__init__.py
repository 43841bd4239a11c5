"""Changes in, ordered safe steps out."""
