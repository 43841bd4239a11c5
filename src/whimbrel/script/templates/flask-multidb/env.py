from whimbrel.env import run_migrations


run_migrations(several=True)
