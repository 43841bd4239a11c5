<%!
    import json
    import re

    def written(value):
        if value is None or isinstance(value, str):
            return "None" if value is None else json.dumps(value, ensure_ascii=False)
        words = [json.dumps(each, ensure_ascii=False) for each in value]
        return "(" + ", ".join(words) + ("," if len(words) == 1 else "") + ")"
%><%
    from flask import current_app

    db = current_app.extensions["migrate"].db
    if hasattr(db, "bind_names"):
        bind_names = list(db.bind_names())
    else:
        bind_names = list(current_app.config.get("SQLALCHEMY_BINDS") or {})
    db_names = [""] + [name for name in bind_names if name]

    tokens = [f"{name}_{way}" for name in db_names for way in ("upgrades", "downgrades")]
    bodies = "\n".join(filter(None, [context.get(token) for token in tokens]))
    is_bare = not bodies or bodies.split() == ["pass"] * len(bodies.split())
%>"""${message}

Revision ID: ${up_revision}
Revises:${" " + comma(down_revision) if down_revision else ""}
Create Date: ${create_date}
"""

% if is_bare or "sa." in bodies:
import sqlalchemy as sa
% endif
% if is_bare or "op." in bodies:
from alembic import op
% endif
% if imports:
${imports}
% endif

# revision identifiers, used by Alembic.
revision = ${written(up_revision)}
down_revision = ${written(down_revision)}
branch_labels = ${written(branch_labels)}
depends_on = ${written(depends_on)}


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()
% for db_name in db_names:


def upgrade_${db_name}():
    ${context.get(f"{db_name}_upgrades", "pass")}


def downgrade_${db_name}():
    ${context.get(f"{db_name}_downgrades", "pass")}
% endfor
