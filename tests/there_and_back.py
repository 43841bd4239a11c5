"""Two scripts for runs that are cut off: about ten operations, rows among them, and back."""

FIRST = """
op.create_table("owner", sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("n", sa.Integer, nullable=False))
op.bulk_insert(sa.table("owner", sa.column("id"), sa.column("n")),
               [{"id": 1, "n": 100}, {"id": 2, "n": 200}])
"""
UP = """
op.execute("UPDATE owner SET n = n + 10")
op.add_column("owner", sa.Column("name", sa.String(20)))
total = op.get_bind().execute(sa.text("SELECT count(*) FROM owner")).scalar()
op.get_bind().execute(sa.text("UPDATE owner SET name = :name"), {"name": f"of {total}"})
op.create_index("ix_owner_n", "owner", ["n"], unique=True)
op.execute("INSERT INTO owner (id, n) VALUES (3, 300)")
op.alter_column("owner", "n", existing_type=sa.Integer, type_=sa.BigInteger,
                existing_nullable=False)
op.create_table("pet", sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("owner_id", sa.Integer, sa.ForeignKey("owner.id", name="fk_pet")))
op.execute("INSERT INTO pet (id, owner_id) SELECT id, id FROM owner")
op.alter_column("pet", "owner_id", new_column_name="whose", existing_type=sa.Integer)
op.drop_column("owner", "name")
op.rename_table("pet", "animal")
op.execute("UPDATE owner SET n = n * 2")
"""
DOWN = """
op.execute("UPDATE owner SET n = n / 2")
op.rename_table("animal", "pet")
op.alter_column("pet", "whose", new_column_name="owner_id", existing_type=sa.Integer)
op.execute("DELETE FROM pet WHERE owner_id > 1")
op.drop_table("pet")
op.alter_column("owner", "n", existing_type=sa.BigInteger, type_=sa.Integer,
                existing_nullable=False)
op.execute("DELETE FROM owner WHERE id = 3")
op.drop_index("ix_owner_n", "owner")
op.execute("UPDATE owner SET n = n - 10")
"""

OWNERS = {"a1": [(1, 100), (2, 200)], "a2": [(1, 220), (2, 420), (3, 600)]}
