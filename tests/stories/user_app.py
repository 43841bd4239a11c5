"""The small app of several stories: one table, with places for more columns."""

APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
db = SQLAlchemy()
migrate = Migrate(app, db)
db.init_app(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20), unique=True)
    #mail
    #age
"""

MAIL = "mail = db.Column(db.String(50), index=True)"
AGE = "age = db.Column(db.Integer)"


def app_on(url):
    """Return the app on another database."""
    return APP.replace("sqlite:///{here}/app.db", url)
