"""What went wrong with a folder, a stamp or a branch, and the command that mends it."""

import json
import shutil
import subprocess

import pytest

from stories.user_app import AGE, APP, MAIL


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where the project is kept once it was made."""
    return tmp_path_factory.mktemp("made") / "project"


@pytest.fixture
def project(terminal, made):
    """An app with two scripts, both applied, and a row."""
    if made.exists():
        shutil.copytree(made, terminal.folder, dirs_exist_ok=True)
        terminal.write("app.py", APP.replace("#mail", MAIL))
        return terminal
    terminal.write("app.py", APP)
    terminal.does("flask db init")
    terminal.does("flask db migrate -m users --rev-id aaaa1111")
    terminal.edit("app.py", "#mail", MAIL)
    terminal.does("flask db migrate -m mail --rev-id bbbb2222")
    terminal.does("flask db upgrade")
    terminal.rows("INSERT INTO user (name, mail) VALUES ('john', 'j@x.y')")
    shutil.copytree(terminal.folder, made)
    return terminal


def stamp(project, revision):
    project.rows(f"UPDATE alembic_version SET version_num = '{revision}'")


def stamps(project):
    return sorted(each for (each,) in project.rows("SELECT * FROM alembic_version"))


def versions(project):
    return sorted((project.folder / "migrations" / "versions").glob("*.py"))


def without_ledger(project):
    project.rows("DROP TABLE IF EXISTS _whimbrel_ledger")


def git(project, *words):
    who = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", "-C", project.folder, *who, *words], capture_output=True, check=True
    )


def proposes(project, *said):
    """`repair` shows a plan with *said*, and changes nothing until told to."""
    before = project.everything()
    answer = project.type("flask db repair")
    assert 1 == answer.status, answer
    assert [] == [each for each in said if each not in answer.stdout], answer
    assert "--yes" in answer.stdout
    assert before == project.everything()
    project.does("flask db repair --yes")


def test_nothing_to_mend(project):
    """A database that holds what its stamp says needs no repair."""
    before = project.everything()
    said = project.does("flask db repair").stdout
    assert "holds what its revision says" in said
    assert before == project.everything()


def test_an_unknown_stamp(project):
    """The revision that the database equals is found, and stamped when told to."""
    stamp(project, "ffff9999")
    proposes(project, "ffff9999", "stands at bbbb2222")
    assert ["bbbb2222"] == stamps(project)
    assert "No changes" in project.does("flask db migrate").stdout
    assert [("john",)] == project.rows("SELECT name FROM user")


def test_a_stamp_that_does_not_fit(project):
    """A database stamped with another revision than the one that it equals."""
    stamp(project, "aaaa1111")
    proposes(project, "does not hold", "stands at bbbb2222")
    assert ["bbbb2222"] == stamps(project)


def test_the_nearest_revision_is_told(project):
    """Where no revision equals the database, the nearest and the difference are shown."""
    stamp(project, "ffff9999")
    project.rows("DROP INDEX ix_user_mail")
    before = project.everything()
    answer = project.type("flask db repair --yes")
    assert 1 == answer.status
    assert "The nearest is bbbb2222" in answer.stdout
    assert "+ index ix_user_mail" in answer.stdout
    assert before == project.everything()


def test_what_a_lost_script_made_is_not_passed_by(project):
    """A database that holds more than the scripts make does not equal them then."""
    next(path for path in versions(project) if "bbbb2222" in path.name).unlink()
    before = project.everything()
    answer = project.type("flask db repair --yes")
    assert 1 == answer.status
    assert "It equals no revision. The nearest is aaaa1111" in answer.stdout
    assert "- column user.mail" in answer.stdout
    assert "update it first" in answer.stdout
    assert before == project.everything()
    assert "Pending" not in project.type("flask db status").stdout


def test_a_table_that_a_lost_script_may_have_made(project):
    """It is named beside the plan; it may be another app's as well."""
    stamp(project, "ffff9999")
    project.rows("CREATE TABLE visit (id INTEGER PRIMARY KEY)")
    proposes(project, "also holds visit", "bring that back", "stands at bbbb2222")


def test_nobody_knows_that_it_is_ahead(project):
    """Without a ledger, --allow-ahead says why it cannot know, and what to do."""
    stamp(project, "ffff9999")
    answer = project.refuses("flask db upgrade --allow-ahead", "it has no ledger")
    assert "`ledger = true`" in answer.stderr
    assert "leave `upgrade` out" in answer.stderr
    assert "Update the checkout" in answer.stderr
    shutil.rmtree(project.folder / "migrations" / "versions")
    (project.folder / "migrations" / "versions").mkdir()
    answer = project.refuses("flask db upgrade --allow-ahead", "no script at all")
    assert "no ledger" not in answer.stderr
    shutil.rmtree(project.folder / "migrations")
    project.refuses("flask db upgrade", "init", "If it was lost: `flask db repair`")


@pytest.mark.parametrize("loses", ["all", "versions"])
def test_a_lost_folder(project, loses):
    """The folder is made again with a script of what the database holds."""
    columns, uniques = project.columns("user"), project.uniques("user")
    without_ledger(project)
    if loses == "all":
        shutil.rmtree(project.folder / "migrations")
    else:
        for path in versions(project):
            path.unlink()
    proposes(project, "Plan:")
    (script,) = project.scripts
    assert "create_table" in script
    assert "No changes" in project.does("flask db migrate").stdout
    assert [("john",)] == project.rows("SELECT name FROM user")
    (project.folder / "app.db").unlink()
    project.does("flask db upgrade")
    assert columns == project.columns("user")
    assert uniques == project.uniques("user")
    assert "ix_user_mail" in project.schema()


def test_a_lost_folder_comes_from_git(project):
    """What git has is written again, as it was."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    without_ledger(project)
    git(project, "init")
    git(project, "add", "migrations")
    git(project, "commit", "-m", "scripts")
    texts = [path.read_text() for path in versions(project)]
    for path in versions(project):
        path.unlink()
    proposes(project, "from git")
    assert texts == [path.read_text() for path in versions(project)]
    project.does("flask db check")


def test_half_a_folder(project):
    """A script that another one follows is named, and written again from git."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    without_ledger(project)
    first = next(path for path in versions(project) if "aaaa1111" in path.name)
    text = first.read_text()
    first.unlink()
    answer = project.type("flask db repair")
    assert 1 == answer.status
    assert "it is the down_revision of bbbb2222" in answer.stdout
    assert "Neither git" in answer.stdout
    first.write_text(text)
    git(project, "init")
    git(project, "add", "migrations")
    git(project, "commit", "-m", "scripts")
    first.unlink()
    proposes(project, "aaaa1111", "from git")
    assert text == first.read_text()


def test_half_a_folder_that_nobody_has(project):
    """Repair says what to do, and that leads to a history that fits the database."""
    without_ledger(project)
    first, second = versions(project)
    first.unlink()
    told = project.type("flask db repair").stdout
    assert "put the other scripts of" in told
    assert "aside and run `flask db repair` again" in told
    second.rename(project.folder / second.name)
    project.does("flask db repair --yes")
    project.does("flask db check")
    assert "Nothing is pending" in project.does("flask db status").stdout


def test_the_wrong_database(project):
    """A database of another application is told, and not touched."""
    for name in ("user",):
        project.rows(f"DROP TABLE {name}")
    project.rows("CREATE TABLE wp_posts (id INTEGER PRIMARY KEY)")
    without_ledger(project)
    stamp(project, "ffff9999")
    project.refuses("flask db upgrade", "wrong database", "wp_posts")


def test_a_baseline_for_what_is_there(project):
    """`baseline` takes what is there, and with --all the tables of others too."""
    shutil.rmtree(project.folder / "migrations")
    without_ledger(project)
    project.rows("DROP TABLE alembic_version")
    project.rows("CREATE TABLE of_another_app (id INTEGER PRIMARY KEY)")
    project.does("flask db init")
    project.refuses("flask db baseline", "has scripts already", status=2)
    for path in versions(project):
        path.unlink()
    said = project.does("flask db baseline --all -m start").stdout
    assert "noted to stand at" in said
    (script,) = project.scripts
    assert "of_another_app" in script
    assert script.startswith('"""start')
    assert "(head)" in project.does("flask db current").stdout


# ------------------------------------------------------------------ two heads


def two_heads(project, first, second):
    """Write two scripts after the same one, as two people do."""
    project.edit("app.py", *first)
    project.does("flask db migrate -m one --rev-id cccc3333")
    project.edit("app.py", first[1], first[0])
    kept = next(path for path in versions(project) if "cccc3333" in path.name)
    text = kept.read_text()
    kept.unlink()
    project.edit("app.py", *second)
    project.does("flask db migrate -m other --rev-id dddd4444")
    kept.write_text(text)


def test_two_heads_are_told_with_where_they_part(project):
    """Every command that needs one head says which there are, since where, and how on."""
    two_heads(project, ("#age", AGE), ("#age", "size = db.Column(db.Integer)"))
    for verb in ("upgrade", "migrate", "check"):
        refused = project.refuses(f"flask db {verb}", "cccc3333 (one)", "dddd4444")
        assert "They part after bbbb2222" in refused.stderr
        assert "flask db rebase" in refused.stderr
    assert "`flask db upgrade` runs them" not in project.type("flask db status").stdout


def test_heads_that_cannot_be_replayed_together_are_told_as_such(project):
    """`migrate` does not say that the database is behind where scripts do not meet."""
    two_heads(project, ("#age", AGE), ("#age", "age = db.Column(db.String(9))"))
    refused = project.refuses("flask db migrate", "cccc3333 (one)", "dddd4444")
    assert "They part after bbbb2222" in refused.stderr
    moved = project.does("flask db rebase dddd4444").stdout
    assert "cccc3333: + column user.age: INTEGER; dddd4444: + column" in moved


def test_heads_that_go_together_are_merged(project):
    """Two different columns: the merge says nothing and the upgrade works."""
    two_heads(project, ("#age", AGE), ("#age", "size = db.Column(db.Integer)"))
    project.does("flask db merge -m join heads")
    project.does("flask db upgrade")
    assert {"age", "size"} <= set(project.columns("user"))


def test_heads_that_do_not_go_together_are_refused(project):
    """One column added twice: told with both, and joined only when forced."""
    two_heads(project, ("#age", AGE), ("#age", "age = db.Column(db.String(9))"))
    refused = project.refuses("flask db merge -m join heads", "cccc3333: + column")
    assert "dddd4444: + column user.age" in refused.stderr
    project.does("flask db merge -m join heads --force")


def test_one_drops_what_the_other_alters(project):
    """A column that goes on one side and becomes another on the other one."""
    two_heads(
        project, (MAIL, "#mail"), (MAIL, MAIL.replace("50", "70"))
    )  # fmt: skip
    project.refuses("flask db merge heads", "- column user.mail", "~ column user.mail")


def test_a_script_is_rebased(project):
    """The script that was not applied follows the other head, also in its docstring."""
    two_heads(project, ("#age", AGE), ("#age", "size = db.Column(db.Integer)"))
    said = project.does("flask db rebase dddd4444").stdout
    assert "follows cccc3333 now, and no longer bbbb2222" in said
    assert "mend it" not in said
    assert 4 == len(project.scripts)
    assert "Revises: cccc3333" in project.scripts[-1]
    project.does("flask db upgrade")
    assert {"age", "size"} <= set(project.columns("user"))


def test_an_applied_script_is_not_rebased(project):
    """A script that a database has stays where it is; the other one can move."""
    two_heads(project, ("#age", AGE), ("#age", "size = db.Column(db.Integer)"))
    project.does("flask db upgrade dddd4444")
    project.refuses("flask db rebase dddd4444", "was applied")
    project.does("flask db repair --rebase cccc3333")
    project.does("flask db upgrade")
    assert {"age", "size"} <= set(project.columns("user"))


def test_one_head_needs_no_rebase(project):
    """With one head there is nothing to move."""
    project.refuses("flask db rebase bbbb2222", "one head", status=2)


# ------------------------------------------------- drift, status, order


def test_what_was_altered_by_hand_is_drift(project):
    """What differs from the scripts is told; exit code 2; a script brings it back."""
    assert "as its scripts made it" in project.does("flask db drift").stdout
    project.rows("DROP INDEX ix_user_mail")
    project.rows("ALTER TABLE user ADD COLUMN by_hand TEXT")
    project.rows("CREATE TABLE of_another_app (id INTEGER PRIMARY KEY)")
    told = project.type("flask db drift")
    assert 2 == told.status
    assert "+ index ix_user_mail" in told.stdout
    assert "- column user.by_hand" in told.stdout
    assert "of_another_app" not in told.stdout
    data = json.loads(project.type("flask db drift --json").stdout)
    assert not data["in_sync"]
    assert 2 == len(data["databases"][0]["differences"])
    project.does("flask db drift --fix -m back")
    project.does("flask db upgrade")
    project.does("flask db drift")
    project.does("flask db check")
    assert "by_hand" not in project.columns("user")
    assert [("john",)] == project.rows("SELECT name FROM user")
    (project.folder / "app.db").unlink()
    project.does("flask db upgrade")
    project.does("flask db check")


def test_drift_is_taken_into_the_history(project):
    """With --accept a script makes elsewhere what was done by hand here."""
    project.rows("CREATE INDEX by_hand ON user (name)")
    said = project.does("flask db drift --accept").stdout
    assert "noted to stand at" in said
    assert "by_hand" in project.scripts[-1]
    project.does("flask db drift")
    (project.folder / "app.db").unlink()
    project.does("flask db upgrade")
    assert "by_hand" in project.schema()


def test_where_things_stand(project):
    """The database, its revision and what is pending; 0, 2 or 1 as the exit code."""
    assert "bbbb2222 (head)" in project.does("flask db status").stdout
    project.edit("app.py", "#age", AGE)
    project.does("flask db migrate -m age")
    pending = project.type("flask db status")
    assert 2 == pending.status
    assert "Pending: 1" in pending.stdout
    data = json.loads(project.type("flask db status --json").stdout)
    assert ["bbbb2222"] == data["databases"][0]["current"]
    assert data["heads"] == data["databases"][0]["pending"]
    stamp(project, "ffff9999")
    unknown = project.type("flask db status")
    assert 1 == unknown.status
    assert "Can't locate revision identified by 'ffff9999'" in unknown.stdout


def test_check_tells_a_program(project):
    """`check --json` has the differences as data, and Alembic's exit codes."""
    assert {"in_sync": True, "differences": []} == json.loads(
        project.does("flask db check --json").stdout
    )
    project.edit("app.py", "#age", AGE)
    answer = project.type("flask db check --json")
    assert 1 == answer.status
    assert ["+ column user.age: INTEGER"] == json.loads(answer.stdout)["differences"]


def test_the_order_of_scripts_needs_no_database(project):
    """`check --history` finds two heads, a script that fails, a head file that lags."""
    (project.folder / "app.db").unlink()
    assert "in order" in project.does("flask db check --history").stdout
    assert not (project.folder / "app.db").exists()
    head = project.folder / "migrations" / "head"
    assert head.read_text().endswith("\nbbbb2222\n")
    head.write_text("<<<<<<< HEAD\nbbbb2222\n=======\ncccc3333\n>>>>>>> other\n")
    answer = project.type("flask db check --history")
    assert 1 == answer.status
    assert "migrations/head" in answer.stdout
    head.unlink()
    path = versions(project)[-1]
    text = path.read_text()
    path.write_text(f"import of_nothing\n{text}")
    broken = project.type("flask db check --history")
    assert "of_nothing" in broken.stdout
    path.write_text(text.replace("def downgrade", "def down"))
    assert "no function downgrade()" in project.type("flask db check --history").stdout
    path.write_text(text)
    path.with_name("twin_.py").write_text(text)
    assert "more than once" in project.type("flask db check --history").stdout


def test_the_head_file_follows(project):
    """Whatever writes a script writes the file that names the head, where there is one."""
    head = project.folder / "migrations" / "head"
    two_heads(project, ("#age", AGE), ("#age", "size = db.Column(db.Integer)"))
    project.does("flask db rebase dddd4444")
    assert head.read_text().endswith("\ndddd4444\n")
    project.does("flask db revision -m more --rev-id eeee5555")
    assert head.read_text().endswith("\neeee5555\n")
    head.unlink()
    project.does("flask db revision -m again")
    assert not head.exists()
