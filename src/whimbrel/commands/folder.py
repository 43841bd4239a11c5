"""Makes the folder for scripts, and says what was made and what comes next."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from alembic import command
from alembic.util import CommandError

from whimbrel.config import Config, flag
from whimbrel.errors import ConfigError, ended
from whimbrel.report.report import Line, Tone
from whimbrel.script.history import program_of
from whimbrel.script.save import HEAD_FILE, HEAD_FILE_SAYS, rewrite


PLACEHOLDER = "driver://"
"""The URL of a settings file that nobody has written one into yet."""


class RefusedInit(ConfigError, CommandError):
    """The folder for the scripts cannot be made as asked; Alembic's error too."""


def make_folder(
    config: Config, directory: str, template: str, package: bool
) -> tuple[Line, ...]:
    """Make *directory* from *template*; return what is to be told of it.

    An empty name of a template makes a folder without any file, which is enough
    where the settings name the models and the database.

    Raises:
        ConfigError: the folder is not empty or cannot be written, or there is no
            such template.
    """
    folder = Path(directory)
    if template:
        _refuse_template(config, template)
    before = set(_settings_files(config))
    names_heads = flag(config, "head_file") is not False  # asked before files are made
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise RefusedInit(
                f"Directory {directory} already exists and is not empty.",
                "Name another folder, or go on with the scripts that are there.",
            )
        if template:
            with redirect_stdout(io.StringIO()):  # Alembic prints, and we report
                command.init(config, directory, template=template, package=package)
        else:
            (folder / "versions").mkdir(parents=True)
        if names_heads:
            rewrite(str(folder / HEAD_FILE), HEAD_FILE_SAYS)
    except OSError as cause:
        raise ConfigError(
            ended(f"The folder {directory} cannot be written: {cause.strerror}"),
            "Choose another folder with --directory, or mend its permissions.",
        ) from cause
    return tuple(_told(config, folder, before))


def noting_step(config: Config) -> Line:
    """Return the line that says what to do with a first script of what is there."""
    upgrade = f"`{program_of(config)} upgrade`"
    return Line(f"Next: {upgrade} notes here that it is applied.", Tone.DIM)


def next_step(config: Config, directory: str) -> Line:
    """Return the line that says what to do with a new folder."""
    migrate = f'`{program_of(config)} migrate -m "what changes"`'
    unnamed = [
        path
        for path in _settings_files(config)
        if PLACEHOLDER in path.read_text(encoding="utf-8")
    ]
    if not unnamed:
        return Line(f"Next: {migrate} writes the first script.", Tone.DIM)
    url = f"the URL of the database in {_shown(unnamed[0])}"
    models = f"target_metadata in {_shown(Path(directory, 'env.py'))}"
    return Line(f"Next: set {url} and {models}, then {migrate}.", Tone.DIM)


def take_over(config: Config, name: str) -> None:
    """Let *config*, made before there was a settings file, know what that says."""
    path, section = config.config_file_name, config.config_ini_section
    written = Config(path, ini_section=section)
    if not written.file_config.has_section(section):
        return
    value = written.get_main_option(name)
    if value is not None:
        config.set_main_option(name, value.replace("%", "%%"))


def _refuse_template(config: Config, template: str) -> None:
    templates = Path(config.get_template_directory())
    if not (templates / template).is_dir():
        raise RefusedInit(
            f"No such template {templates / template}.",
            f"`{program_of(config)} list-templates` lists those that there are.",
        )


def _told(config: Config, folder: Path, before: set[Path]) -> Iterator[Line]:
    entries = sorted(folder.iterdir())
    names = [each.name + "/" * each.is_dir() for each in entries]
    yield Line(f"Made {_shown(folder)}: {', '.join(names)}", Tone.GOOD)
    for path in _settings_files(config):
        if folder not in path.parents:
            kept = path in before
            verb = "Kept" if kept else "Made"
            yield Line(f"{verb} {_shown(path)}", Tone.PLAIN if kept else Tone.GOOD)


def _settings_files(config: Config) -> Iterator[Path]:
    """Yield the settings files that there are."""
    for path in (config.config_file_name, config._toml_file_path):
        if path is not None and Path(path).is_file():
            yield Path(path)


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
