<%!
    import json

    def written(value):
        if value is None or isinstance(value, str):
            return "None" if value is None else json.dumps(value, ensure_ascii=False)
        words = [json.dumps(each, ensure_ascii=False) for each in value]
        return "(" + ", ".join(words) + ("," if len(words) == 1 else "") + ")"
%><%
    bodies = "\n".join(filter(None, [context.get("upgrades"), context.get("downgrades")]))
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


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
