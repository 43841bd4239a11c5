"""Every error that we raise: what happened, to which object, what to do next.

WhimbrelError
├── UsageError             a command was called in a way that cannot work
│   ├── RenameUnsure
│   └── ValueNeeded
├── ConfigError            settings, folders, URLs
│   └── NoMigrationsFolder
├── ModelsError            the models cannot be read
│   ├── NoModels
│   ├── TablesVanish
│   └── UnrenderableType
├── HistoryError           the scripts in the folder
│   ├── BrokenScript
│   ├── DuplicateRevision
│   ├── UnknownRevision
│   ├── SeveralHeads
│   └── CyclicHistory
├── DatabaseError          the database refused or cannot be reached
│   ├── Unreachable
│   ├── NotAtHead
│   ├── NotAdopted
│   ├── NoScratch          there is nowhere to try a script
│   ├── Locked
│   └── NoTemporaryTables  models cannot be spelled by the database
├── ProofFailed            a script does not do what it should
├── MigrationFailed        a script failed while it ran
├── RowsForbid             a pending operation would fail on the rows that are there
├── LossRefused            a pending operation would lose values
│   ├── HalfDone
│   ├── EditedScript
│   └── Interrupted
└── DifferencesFound       `check`: the models and the database differ
"""

from __future__ import annotations


def ended(said: str) -> str:
    """Return *said* as a sentence: what others wrote may have its full stop or not."""
    said = said.rstrip()
    return said if said.endswith((".", "!", "?")) else f"{said}."


class WhimbrelError(Exception):
    """The root of our errors: a sentence, and what to do next.

    Args:
        sentence: what happened, to which object.
        remedy: what to do next, with a command that can be pasted.
        facts: the objects that the error speaks of, as attributes.
    """

    code = "E000"
    exit_code: int = 1

    def __init__(self, sentence: str, remedy: str = "", **facts: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        self.facts = facts

    def __str__(self) -> str:
        """Return the sentence and the remedy, each on its line."""
        return f"{self.sentence}\n{self.remedy}" if self.remedy else self.sentence


class UsageError(WhimbrelError):
    """A command was called in a way that cannot work."""

    code = "E001"
    exit_code = 2


class RenameUnsure(UsageError):
    """What goes and what comes may be one thing, and nobody said so."""

    code = "E002"


class ValueNeeded(UsageError):
    """Rows have no value for a column that must not be NULL, and none was given."""

    code = "E003"


class ConfigError(WhimbrelError):
    """A setting, a folder or a URL is missing or wrong."""

    code = "E010"


class NoMigrationsFolder(ConfigError):
    """There is no migrations folder yet."""

    code = "E011"


class ModelsError(WhimbrelError):
    """The models cannot be read."""

    code = "E020"


class NoModels(ModelsError):
    """The metadata holds no table although the database does."""

    code = "E021"


class TablesVanish(ModelsError):
    """Most tables are in the models no more."""

    code = "E023"


class UnrenderableType(ModelsError):
    """A column type cannot be written into a script."""

    code = "E022"


class HistoryError(WhimbrelError):
    """The scripts in the folder do not form a history."""

    code = "E100"


class SeveralHeads(HistoryError):
    """The history has several heads where one is needed."""

    code = "E101"


class UnknownRevision(HistoryError):
    """A revision is not in the folder."""

    code = "E102"


class BrokenScript(HistoryError):
    """A script cannot be loaded."""

    code = "E103"


class DuplicateRevision(HistoryError):
    """Two scripts carry one revision id."""

    code = "E104"


class CyclicHistory(HistoryError):
    """Scripts follow each other in a circle."""

    code = "E105"


class DatabaseError(WhimbrelError):
    """The database refused what was asked of it."""

    code = "E200"


class Unreachable(DatabaseError):
    """The database cannot be reached."""

    code = "E201"


class NotAtHead(DatabaseError):
    """The database does not stand at the history's head."""

    code = "E202"


class NotAdopted(DatabaseError):
    """A database without a stamp equals no revision of the history."""

    code = "E203"


class NoScratch(DatabaseError):
    """There is nowhere to try a script before it is handed over."""

    code = "E204"


class NoTemporaryTables(DatabaseError):
    """The role may not make the temporary tables in which models are spelled."""

    code = "E205"


class Locked(DatabaseError):
    """Another run works on the database, or somebody uses a table of it."""

    code = "E210"


class OnlookerInTheWay(DatabaseError):
    """A view, a trigger or the like of the database reads what is to go."""

    code = "E207"


class Unalterable(DatabaseError):
    """The database has no statement that makes the one thing the other."""

    code = "E206"


class ProofFailed(WhimbrelError):
    """A script was run on a scratch database and did not do what it should."""

    code = "E300"


class MigrationFailed(WhimbrelError):
    """A script failed while it ran."""

    code = "E301"


class HalfDone(MigrationFailed):
    """An earlier run left a script half done, and this run cannot go on with it."""

    code = "E302"


class EditedScript(MigrationFailed):
    """A script was edited where it is done already."""

    code = "E303"


class Interrupted(MigrationFailed):
    """Somebody ended a run."""

    code = "E304"
    exit_code: int = 130


class RowsForbid(WhimbrelError):
    """A pending operation is certain to fail on the rows that are there."""

    code = "E302"


class LossRefused(WhimbrelError):
    """A pending operation would lose values, and that is not wanted."""

    code = "E303"


class DifferencesFound(WhimbrelError):
    """The models and the database differ."""

    code = "E400"
