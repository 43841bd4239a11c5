"""One function for each verb, sorted by what it may touch."""
