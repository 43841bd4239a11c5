"""`python manage.py ...`: what Flask-Script offered, with only its imports changed."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from faces.conftest import run, tables, write_scripts
from whimbrel import manage
from whimbrel.manage import Manager, prompt, prompt_bool, prompt_choices


# the article's own code; only the imports differ
ARTICLE = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate
from whimbrel.manage import Manager, MigrateCommand

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
db = SQLAlchemy(app)
migrate = Migrate(app, db)
manager = Manager(app)
manager.add_command('db', MigrateCommand)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(128))


@app.route('/')
def index():
    return 'hello from manage.py'


if __name__ == '__main__':
    manager.run()
"""

FACTORY = """\
from flask import Flask, current_app
from whimbrel.manage import Command, Group, Manager, Option, Server, Shell


def create_app(config='plain'):
    app = Flask(__name__)
    app.config['KIND'] = config
    return app


manager = Manager(create_app, description='Looks after the app.')
manager.add_option('-c', '--config', dest='config', default='plain')
inner = Manager(usage='Look after users.')


@manager.command
def kind():
    'Tell which settings are in use.'
    print(current_app.config['KIND'])


@manager.command
def greet(name, greeting='hello', loud=False):
    text = f'{greeting} {name}'
    print(text.upper() if loud else text)


@manager.option('-n', '--number', dest='number', type=int, default=1)
@manager.option('word')
def repeat(word, number):
    print(word * number)


@inner.command
def add(name):
    print('added', name, current_app.config['KIND'])


class Status(Command):
    'Leave with a status.'

    option_list = (Group(Option('--code', type=int, default=0), title='status'),)

    def run(self, code):
        return code


manager.add_command('users', inner)
manager.add_command('status', Status())
manager.add_command('shell', Shell(make_context=lambda: {'answer': 42}))
manager.add_command('serve', Server(host='0.0.0.0', port=8000))

if __name__ == '__main__':
    manager.run()
"""


@pytest.fixture
def article(here):
    """The article's manage.py and a folder with scripts."""
    (here / "manage.py").write_text(ARTICLE.format(here=here))
    write_scripts(here / "migrations")
    return here


@pytest.fixture
def factory(here):
    """A manage.py with a factory and commands of every kind."""
    (here / "manage.py").write_text(FACTORY)
    return here


def test_the_article_runs(article):
    """db with its commands and options does what `flask db` does."""
    assert 0 == run("manage.py", "db", "upgrade", "a1").returncode
    assert {"item", "alembic_version"} == tables(article / "app.db")
    assert 0 == run("manage.py", "db", "upgrade").returncode
    assert 0 == run("manage.py", "db", "downgrade", "-1").returncode
    assert "a1\n" == run("manage.py", "db", "current").stdout


def test_an_error_names_the_command_that_was_typed(article):
    """A remedy can be pasted: it begins as the user began."""
    done = run("manage.py", "db", "-d", "nosuch", "upgrade")
    assert 1 == done.returncode
    assert "`python manage.py db init" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_shell_knows_the_app(article):
    """`manage.py shell` starts a shell inside a context of the app."""
    done = run(
        "manage.py",
        "shell",
        input="from flask import current_app\nprint(app is current_app._get_current_object())\n",
    )
    assert "True" in done.stdout
    assert 0 == done.returncode


def test_the_server_serves(article):
    """`manage.py runserver` serves the app where -h and -p say."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [sys.executable, "manage.py", "runserver", "-h", "127.0.0.1", "-p", port]
    server = subprocess.Popen(words, cwd=article, stderr=subprocess.DEVNULL)
    try:
        assert b"hello from manage.py" == fetched(f"http://127.0.0.1:{port}/")
    finally:
        server.terminate()
        server.wait(10)


def fetched(url):
    for _ in range(100):
        try:
            return urllib.request.urlopen(url).read()
        except OSError:
            time.sleep(0.1)
    return b""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kind"], "plain\n"),
        (["-c", "fancy", "kind"], "fancy\n"),
        (["greet", "bob"], "hello bob\n"),
        (["greet", "bob", "-g", "hi", "--loud"], "HI BOB\n"),
        (["repeat", "-n", "3", "ab"], "ababab\n"),
        (["--config", "fancy", "users", "add", "eve"], "added eve fancy\n"),
    ],
)
def test_commands_take_what_flask_script_gave_them(factory, words, said):
    """Functions become commands, their defaults options, and options reach the factory."""
    done = run("manage.py", *words)
    assert (said, "", 0) == (done.stdout, done.stderr, done.returncode)


def test_a_command_may_leave_with_a_status(factory):
    """A number that run() returns is the status of the program."""
    assert 0 == run("manage.py", "status").returncode
    assert 3 == run("manage.py", "status", "--code", "3").returncode


def test_the_shell_knows_what_the_project_gives_it(factory):
    """Shell(make_context=...) names what the shell knows."""
    assert "42" in run("manage.py", "shell", input="print(answer)\n").stdout


def test_help_lists_the_commands(factory):
    """Help names the commands with their first line; a wrong word is refused."""
    shown = run("manage.py", "--help").stdout
    assert "kind       Tell which settings are in use." in shown.replace(
        "  kind ", "kind "
    )
    assert "default" not in run("manage.py", "status", "--help").stderr
    refused = run("manage.py", "nosuch")
    assert 2 == refused.returncode
    assert "there is no command nosuch" in refused.stderr


def test_flask_has_a_way_of_its_own(here):
    """A manage.py on Flask's own FlaskGroup has the db group too."""
    (here / "manage.py").write_text(
        ARTICLE.format(here=here)
        .replace(
            "from whimbrel.manage import Manager, MigrateCommand",
            "from flask.cli import FlaskGroup",
        )
        .replace("manager = Manager(app)", "cli = FlaskGroup(create_app=lambda: app)")
        .replace("manager.add_command('db', MigrateCommand)", "")
        .replace("manager.run()", "cli()")
    )
    write_scripts(here / "migrations")
    assert 0 == run("manage.py", "db", "upgrade").returncode
    assert "b2 (head)\n" == run("manage.py", "db", "current").stdout


def test_default_commands_may_be_left_out():
    """A manager has runserver and shell if it has an app, or if it is asked for them."""
    assert {} == Manager()._commands
    assert {"runserver", "shell"} == set(Manager(with_default_commands=True)._commands)
    assert {} == Manager(lambda: None, with_default_commands=False)._commands


@pytest.fixture
def answers(monkeypatch):
    """Answer what is asked, one answer after the other."""

    def answers(*texts):
        waiting = iter(texts)
        monkeypatch.setattr("builtins.input", lambda question: next(waiting))

    return answers


def test_questions_are_asked_until_they_are_answered(answers):
    """The prompts of Flask-Script ask again until the answer makes sense."""
    answers("", "x")
    assert "x" == prompt("Name")
    answers("")
    assert "y" == prompt("Name", "y")
    answers("what", "YES")
    assert prompt_bool("Sure")
    answers("")
    assert not prompt_bool("Sure")
    answers("c", "b")
    assert "b" == prompt_choices("Which", ["a", ("b", "B")])
    answers("none")
    assert prompt_choices("Which", ["a"]) is None


def test_a_function_that_is_no_command_is_not_one(here):
    """What a Manager is given as a command class is made; click groups are taken too."""
    from click import Group

    manager = Manager()
    manager.add_command(manage.Server)
    manager.add_command("words", Group("words", help="Words."))
    assert isinstance(manager._commands["server"], manage.Server)
    assert "Words." == manager._commands["words"].__doc__
