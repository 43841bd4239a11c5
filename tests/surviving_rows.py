"""Rows that two models both accept, and what becomes of them between the two."""

import random
import sqlite3
from dataclasses import dataclass

from generated_scripts import database
from whimbrel.catalog.read import read_state
from whimbrel.schema.scope import Scope


WILD = [
    None,
    -(2**63),
    2**53 + 1,
    1.5,
    1.0,
    "",
    "it's\n",
    "Zürich ☃",
    "1e3",
    " 7",
    b"\x00\xff",
]
NUMBERS = [1, 7, 2**40]
NOW = ("current_timestamp", "current_date", "now")


@dataclass(frozen=True)
class Kept:
    """The rows of a database as they are before, after an upgrade and back again.

    Each is a dictionary by table; rows are dictionaries of (type, value) by column,
    their number is called None.  What cannot be foretold is left out.
    """

    before: dict
    after: dict
    again: dict
    loose: dict


class Stage:
    """A database that rows go through on their way."""

    def __init__(self, connection):
        self.state = read_state(connection, Scope())
        self.tables = {table.name.name: table for table in self.state.tables}
        self.driver = connection.connection.driver_connection

    def empty(self):
        self.driver.rollback()
        for name in self.tables:
            self.driver.execute(f"DELETE FROM {q(name)}")

    def insert(self, name, values):
        """Insert a row; return what is stored, or None if it is refused.

        Where the rows have numbers of their own, the number is that of *values*.
        """
        table = self.tables[name]
        plain = [each.name for each in table.columns if each.computed is None]
        said = {each: values[each] for each in plain if each in values}
        alias = rowid_alias(table)
        if alias in said and said[alias] is None:
            return None
        if has_rowid(table) and alias is None and None in values:
            said[None] = values[None]
        names = stored(table)
        columns = ", ".join(map(q, said))
        places = ", ".join("?" * len(said))
        what = f"({columns}) VALUES ({places})" if said else "DEFAULT VALUES"
        marks = [None] if has_rowid(table) else list(table.primary_key.columns)
        insert = f"INSERT OR ABORT INTO {q(name)} {what} RETURNING "
        where = " AND ".join(f"{q(each)} IS ?" for each in marks)
        look = f"SELECT {', '.join(map(q, names))} FROM {q(name)} WHERE {where}"
        try:
            rows = self.driver.execute(
                insert + ", ".join(map(q, marks)), [*said.values()]
            )
            (found,) = self.driver.execute(look, rows.fetchall()[0])
        except (sqlite3.Error, OverflowError):
            return None
        return dict(zip(names, found, strict=True))

    def tables_of_orphans(self):
        """Return the tables of which a row refers to nothing."""
        found = set()
        for name in self.tables:
            try:
                rows = self.driver.execute(f"PRAGMA foreign_key_check({q(name)})")
            except sqlite3.Error:  # a key to what is not unique: nothing is checked
                continue
            if rows.fetchall():
                found.add(name)
        return found


def q(name):
    return "rowid" if name is None else '"' + name.replace('"', '""') + '"'


def has_rowid(table):
    return "without_rowid" not in {option.name for option in table.options}


def rowid_alias(table):
    """Return the column that is the number of a row, if one is."""
    key = table.primary_key
    types = {column.name: column.type.spelling for column in table.columns}
    if key is None or len(key.columns) != 1 or not has_rowid(table):
        return None
    return key.columns[0] if types[key.columns[0]] == "INTEGER" else None


def stored(table):
    """Return what a row holds: its columns, and its number called None."""
    names = [column.name for column in table.ordered_columns]
    return [None, *names] if has_rowid(table) else names


def fill(connection, former, latter, seed):
    """Insert rows that two models both accept, and tell what shall become of them.

    Args:
        connection: a database as *former* has it, empty; the rows stay there.
        former: a MetaData.
        latter: another one.
        seed: what the rows are made from.
    """
    with database(latter) as there, database(former) as back:
        stages = [Stage(each) for each in (connection, there, back)]
        _fill(stages, random.Random(seed))
        loose = _loose(stages[0].tables, stages[1].tables)
        kept = Kept(*(told(stage, loose) for stage in stages), loose)
        for stage in stages:
            stage.driver.commit()
        return kept


def _fill(stages, chance):
    candidates = [
        (name, [_values(table, number, chance, wild) for wild in (0.4, 0.1, 0)])
        for name, table in sorted(stages[0].tables.items())
        for number in NUMBERS[: chance.randrange(4)]
    ]
    while True:
        for stage in stages:
            stage.empty()
        candidates = [
            (name, tries[place:])
            for name, tries in candidates
            if (place := _pass_one(stages, name, tries)) is not None
        ]
        wrong = {name for stage in stages for name in stage.tables_of_orphans()}
        if not wrong:
            return
        place = max(i for i, (name, _) in enumerate(candidates) if name in wrong)
        name, tries = candidates.pop(place)
        if len(tries) > 1:
            candidates.insert(place, (name, tries[1:]))


def _values(table, number, chance, wild):
    """Return a row of which every value stands for its number, but for some."""
    values = {None: number}
    for column in table.ordered_columns:
        if chance.random() < wild:
            values[column.name] = chance.choice(WILD)
        elif any(
            "'b'" in str(each) or "'0'" in str(each) for each in table.constraints
        ):
            values[column.name] = chance.choice(["a", "0", 1, number])
        else:
            is_text = any(each in column.type.spelling for each in ("CHAR", "TEXT"))
            values[column.name] = str(number) if is_text else number
    return values


def _pass_one(stages, name, tries):
    """Return the place of the first of *tries* that all databases accept."""
    places = (i for i, values in enumerate(tries) if _pass(stages, name, values))
    return next(places, None)


def _pass(stages, name, values):
    """Insert a row into all databases, or into none if one refuses."""
    for stage in stages:
        stage.driver.execute("SAVEPOINT one_row")
    found = values
    for stage in stages:
        if name not in stage.tables:
            break
        found = stage.insert(name, found)
        if found is None:
            break
    for stage in stages:
        if found is None:
            stage.driver.execute("ROLLBACK TO one_row")
        stage.driver.execute("RELEASE one_row")
    return found is not None


def _loose(before, after):
    """Return the columns, by table, of which nobody can foretell the values."""
    found = {}
    for name in before.keys() & after.keys():
        sides = before[name], after[name]
        columns = [{each.name: each for each in side.columns} for side in sides]
        changing = columns[0].keys() ^ columns[1].keys()
        found[name] = {
            each.name
            for side in columns
            for each in side.values()
            if each.name in changing and _is_now(each.default)
        }
        aliases = [rowid_alias(side) for side in sides]
        if not all(map(has_rowid, sides)):
            found[name].add(None)
        for alias in filter(None, aliases):
            if alias in changing:
                found[name] |= {None, alias}
    return found


def _is_now(default):
    return default is not None and any(each in default.canonical for each in NOW)


def told(connection, loose):
    """Return all rows, by table, but for the columns that are *loose*."""
    stage = connection if isinstance(connection, Stage) else Stage(connection)
    return {
        name: _told(stage.driver, table, loose.get(name, ()))
        for name, table in stage.tables.items()
    }


def _told(driver, table, loose):
    names = [each for each in stored(table) if each not in loose]
    said = ", ".join(f"typeof({q(each)}), {q(each)}" for each in names)
    rows = driver.execute(f"SELECT {said or 1} FROM {q(table.name.name)}")
    pairs = (list(zip(row[::2], row[1::2], strict=False)) for row in rows)
    return sorted((dict(zip(names, row, strict=False)) for row in pairs), key=repr)
