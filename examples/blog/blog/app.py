"""The application factory."""

import click
from flask import Flask

from blog import models
from blog.ext import db, migrate


def create_app():
    """Make the blog, with its database in the folder instance/."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///blog.db"
    db.init_app(app)
    migrate.init_app(app, db)

    @app.get("/")
    def index():
        return "<br>".join(
            post.title for post in db.session.scalars(db.select(models.Post))
        )

    @app.cli.command()
    def write():
        """Write a few posts, so that there is something to lose."""
        ada, bob = models.User(username="ada"), models.User(username="bob")
        ada.addresses = [models.Address(email_address="ada@example.org")]
        db.session.add_all([ada, bob])
        db.session.flush()
        for author, title in ((ada, "On engines"), (ada, "Notes"), (bob, "Hello")):
            db.session.add(models.Post(title=title, body="...", author_id=author.id))
        db.session.commit()

    @app.cli.command()
    def posts():
        """List every post with its author, read through the models."""
        query = db.select(models.Post, models.User).join(
            models.User, models.Post.author_id == models.User.id
        )
        for post, user in db.session.execute(query.order_by(models.Post.id)):
            click.echo(f"{post.id}  {post.title:<12} {user.username:<5} {post.status}")

    return app
