"""What there is to tell, as data, and how it is told."""
