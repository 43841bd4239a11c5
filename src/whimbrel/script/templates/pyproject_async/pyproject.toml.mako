[tool.alembic]
# the folder of the scripts; %(here)s is the folder of this file
script_location = "${script_location}"

# how new scripts are called
file_template = "%%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d-%%(rev)s_%%(slug)s"

# where the models can be imported from
prepend_sys_path = ["."]

# commands that format or check a new script
# [[tool.alembic.post_write_hooks]]
# name = "ruff"
# type = "module"
# module = "ruff"
# options = "check --fix REVISION_SCRIPT_FILENAME"
