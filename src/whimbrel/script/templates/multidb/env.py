"""Runs the migrations of several databases, each with its own section in alembic.ini."""

import re
from contextlib import ExitStack
from logging.config import fileConfig

from alembic import context
from sqlalchemy import engine_from_config, pool


# commit all databases together, where they can do that
USE_TWOPHASE = False

# the settings of alembic.ini
config = context.config

if config.config_file_name is not None:
    fileConfig(config.config_file_name)

# the names of the databases, and of their sections
db_names = re.split(r",\s*", config.get_main_option("databases", ""))

# the MetaData of the models of each database, for example
# from myapp import models
# target_metadata = {"engine1": models.metadata1, "engine2": models.metadata2}
target_metadata = {}


def run_migrations_offline() -> None:
    """Write the SQL of the migrations, a file for each database."""
    for name in db_names:
        with open(f"{name}.sql", "w") as output:
            context.configure(
                url=config.get_section_option(name, "sqlalchemy.url"),
                output_buffer=output,
                target_metadata=target_metadata.get(name),
                literal_binds=True,
                dialect_opts={"paramstyle": "named"},
            )
            with context.begin_transaction():
                context.run_migrations(engine_name=name)


def run_migrations_online() -> None:
    """Run the migrations on all databases; if one fails, none is changed."""
    with ExitStack() as stack:
        opened = []
        for name in db_names:
            engine = engine_from_config(
                config.get_section(name, {}),
                prefix="sqlalchemy.",
                poolclass=pool.NullPool,
            )
            connection = stack.enter_context(engine.connect())
            begin = connection.begin_twophase if USE_TWOPHASE else connection.begin
            opened.append((name, connection, begin()))
        try:
            for name, connection, _ in opened:
                context.configure(
                    connection=connection,
                    upgrade_token=f"{name}_upgrades",
                    downgrade_token=f"{name}_downgrades",
                    target_metadata=target_metadata.get(name),
                )
                context.run_migrations(engine_name=name)
            if USE_TWOPHASE:
                for _, _, transaction in opened:
                    transaction.prepare()
            for _, _, transaction in opened:
                transaction.commit()
        except BaseException:
            for _, _, transaction in opened:
                transaction.rollback()
            raise


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
