# The database, the models and all options come from the Flask application.
# Whatever stands here is Alembic's: https://alembic.sqlalchemy.org

[alembic]
# how new scripts are called
file_template = %%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d-%%(rev)s_%%(slug)s

# true: run env.py for `revision` without models too
# revision_environment = false

# commands that format or check a new script, for example
# [post_write_hooks]
# hooks = ruff
# ruff.type = console_scripts
# ruff.entrypoint = ruff
# ruff.options = check --fix REVISION_SCRIPT_FILENAME

# Logging, for env.py files that call fileConfig() and for the alembic command.
[loggers]
keys = root,sqlalchemy,alembic,flask_migrate,whimbrel

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

[logger_flask_migrate]
level = INFO
handlers =
qualname = flask_migrate

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
