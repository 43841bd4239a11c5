"""What the sequence of an identity column is called is told, and left alone."""

from commands.test_diff_heirs import compared, fill


def test_a_name_that_is_left_alone_is_told(databases, tmp_path):
    """Nobody takes another name for no difference."""
    made = "CREATE TABLE t (i int GENERATED ALWAYS AS IDENTITY{})"
    fill(databases[0], made.format(""))
    fill(databases[1], made.format(" (SEQUENCE NAME t_seq)"))
    told, _ = compared(databases, tmp_path / "script.py")
    assert "only the second has given name of the sequence of t.i" in told

    fill(databases[0], made.format(" (SEQUENCE NAME t_seq)"))
    told, _ = compared(databases, tmp_path / "again.py")
    assert "sequence of" not in told
