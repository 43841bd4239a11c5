"""Draws one of several things, or whether something is so; for drafts of models."""

from hypothesis import strategies as st


class Drawing:
    """Draws what Hypothesis lets it draw."""

    def __init__(self, draw):
        self.draw = draw

    def one_of(self, things):
        return self.draw(st.sampled_from(list(things)))

    def is_so(self, chance=2):
        return self.draw(st.integers(1, chance)) == chance
