"""What could go wrong, found before it does."""
