"""Scripts in, events out: the only room that writes to a database."""
