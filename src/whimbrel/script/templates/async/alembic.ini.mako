# Settings of the migrations. All of Alembic's are understood:
# https://alembic.sqlalchemy.org/en/latest/tutorial.html#editing-the-ini-file

[alembic]
# the folder of the scripts; %(here)s is the folder of this file
script_location = ${script_location}

# how new scripts are called
file_template = %%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d-%%(rev)s_%%(slug)s

# where the models can be imported from
prepend_sys_path = .

# what parts the paths in version_locations and prepend_sys_path
path_separator = os

# the database; env.py reads it
sqlalchemy.url = driver://user:pass@localhost/dbname

[post_write_hooks]
# commands that format or check a new script
# hooks = ruff
# ruff.type = console_scripts
# ruff.entrypoint = ruff
# ruff.options = check --fix REVISION_SCRIPT_FILENAME

# Logging, for env.py files that call fileConfig().
[loggers]
keys = root,sqlalchemy,alembic,whimbrel

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARN
handlers = console
qualname =

[logger_sqlalchemy]
level = WARN
handlers =
qualname = sqlalchemy.engine

[logger_alembic]
level = INFO
handlers =
qualname = alembic

[logger_whimbrel]
level = INFO
handlers =
qualname = whimbrel

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
datefmt = %H:%M:%S
