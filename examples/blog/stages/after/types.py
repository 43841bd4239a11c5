"""Column types of the blog's own."""

from sqlalchemy.types import String, TypeDecorator


class Tags(TypeDecorator):
    """A list of words, kept in one string."""

    impl = String(200)
    cache_ok = True

    def __init__(self, separator=","):
        super().__init__()
        self.separator = separator

    def process_bind_param(self, value, dialect):
        return self.separator.join(value) if value is not None else None

    def process_result_value(self, value, dialect):
        return value.split(self.separator) if value is not None else None
