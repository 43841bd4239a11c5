"""The models."""

from blog.ext import db
from blog.types import Tags


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(80), nullable=False, unique=True)
    is_active = db.Column(db.Boolean, nullable=False, server_default=db.true())
    addresses = db.relationship("Address", backref="user")


class Address(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email_address = db.Column(db.String(50))
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))


class Post(db.Model):
    __table_args__ = (db.CheckConstraint("length(title) > 0"),)

    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(100), nullable=False)
    body = db.Column(db.Text)
    tags = db.Column(Tags(separator=" "))
    status = db.Column(db.String(20), nullable=False, server_default="published")
    author_id = db.Column(db.ForeignKey("user.id"), nullable=False)
