"""The extensions, in a file of their own so that nothing is imported in a circle."""

from flask_sqlalchemy import SQLAlchemy

from whimbrel import Migrate


db = SQLAlchemy()
migrate = Migrate()
