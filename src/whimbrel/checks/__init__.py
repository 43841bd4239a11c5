"""What could go wrong, found out before anything is touched."""
