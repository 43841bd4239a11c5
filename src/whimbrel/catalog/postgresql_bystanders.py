"""What stands beside the tables of a PostgreSQL database: views, functions, rules."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.catalog.postgresql_settled import settled
from whimbrel.schema.bystanders import Bystander
from whimbrel.schema.scope import Scope


_OWN = """
NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.{catalog}'::regclass AND e.objid = {oid}
    AND e.deptype IN ('e', 'P', 'S'))
"""
_HERE = "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ({schemas}))"
_VIEWS = f"""
SELECT CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END,
    c.oid::regclass::text, concat(pg_catalog.pg_get_viewdef(c.oid), c.reloptions,
        (SELECT string_agg(said, ';' ORDER BY said) FROM pg_catalog.pg_index i,
            pg_catalog.pg_get_indexdef(i.indexrelid) said WHERE i.indrelid = c.oid))
FROM pg_catalog.pg_class c WHERE c.relkind IN ('v', 'm')
AND c.relnamespace IN {_HERE} AND {_OWN.format(catalog="pg_class", oid="c.oid")}
"""
_FUNCTIONS = f"""
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
        ELSE 'function' END, p.oid::regprocedure::text,
    CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END
FROM pg_catalog.pg_proc p WHERE p.pronamespace IN {_HERE}
AND {_OWN.format(catalog="pg_proc", oid="p.oid")}
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i
    WHERE i.classid = 'pg_catalog.pg_proc'::regclass AND i.objid = p.oid
    AND i.deptype = 'i')
"""
_TRIGGERS = f"""
SELECT 'trigger', format('%I on %s', t.tgname, t.tgrelid::regclass),
    concat(pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled)
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace IN {_HERE}
AND {_OWN.format(catalog="pg_trigger", oid="t.oid")}
"""
_POLICIES = f"""
SELECT 'policy', format('%I on %s', p.polname, p.polrelid::regclass),
    concat_ws(' ', p.polcmd, p.polpermissive, (SELECT string_agg(r::regrole::text, ','
        ORDER BY r::regrole::text) FROM unnest(p.polroles) r),
        pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'CHECK',
        pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace IN {_HERE}
"""
_RULES = f"""
SELECT 'rule', format('%I on %s', r.rulename, r.ev_class::regclass),
    concat(pg_catalog.pg_get_ruledef(r.oid), r.ev_enabled)
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
WHERE r.rulename <> '_RETURN' AND c.relnamespace IN {_HERE}
"""
_STATISTICS = f"""
SELECT 'statistics', CASE WHEN pg_catalog.pg_statistics_obj_is_visible(s.oid) THEN ''
        ELSE format('%s.', s.stxnamespace::regnamespace) END || format('%I', s.stxname),
    pg_catalog.pg_get_statisticsobjdef(s.oid)
FROM pg_catalog.pg_statistic_ext s WHERE s.stxnamespace IN {_HERE}
"""
_FOREIGN = f"""
SELECT 'foreign table', f.ftrelid::regclass::text, concat(f.ftoptions, (SELECT
    string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod),
        ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = f.ftrelid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid
WHERE c.relnamespace IN {_HERE}
"""
_COLLATIONS = f"""
SELECT 'collation', c.oid::regcollation::text,
    concat_ws(' ', c.collprovider, c.collcollate, c.collctype, c.collisdeterministic,
        to_jsonb(c)->>'colliculocale', to_jsonb(c)->>'colllocale')
FROM pg_catalog.pg_collation c WHERE c.collnamespace IN {_HERE}
AND {_OWN.format(catalog="pg_collation", oid="c.oid")}
"""
_EXTENSIONS = """
SELECT 'extension', x.extname, x.extversion FROM pg_catalog.pg_extension x
"""
_PUBLICATIONS = """
SELECT 'publication', p.pubname, concat_ws(' ', p.puballtables, p.pubinsert,
    p.pubupdate, p.pubdelete, p.pubtruncate, (SELECT string_agg(
        r.prrelid::regclass::text, ',' ORDER BY r.prrelid::regclass::text)
    FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid))
FROM pg_catalog.pg_publication p
"""
_PRIVILEGES = f"""
SELECT 'privileges on', c.oid::regclass::text, string_agg(format('%s %s %s',
    g.privilege_type, CASE g.grantee WHEN 0 THEN 'PUBLIC'
    ELSE g.grantee::regrole::text END, g.is_grantable), ','
    ORDER BY g.grantee::regrole::text, g.privilege_type)
FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) g
WHERE g.grantee <> c.relowner AND c.relnamespace IN {_HERE}
AND {_OWN.format(catalog="pg_class", oid="c.oid")} GROUP BY c.oid
"""
_SCHEMAS = """
SELECT 'comment on schema', n.nspname::text, d.description
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_description d ON d.objoid = n.oid
    AND d.classoid = 'pg_catalog.pg_namespace'::regclass
WHERE n.nspname IN ({schemas}) AND d.description <> ''
"""
_REMARKS = f"""
SELECT 'comment on index of key', format('%s.%I', c.oid::regclass, k.conname),
    d.description
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND c.relnamespace IN {_HERE}
JOIN pg_catalog.pg_description d ON d.objoid = k.conindid AND d.objsubid = 0
    AND d.classoid = 'pg_catalog.pg_class'::regclass
WHERE k.contype IN ('p', 'u', 'x') AND k.conparentid <> 0
"""
_ALL = (
    *(_VIEWS, _FUNCTIONS, _TRIGGERS, _POLICIES, _RULES, _STATISTICS, _FOREIGN),
    *(_COLLATIONS, _EXTENSIONS, _PUBLICATIONS, _PRIVILEGES, _SCHEMAS),
    _REMARKS,
)


def read_postgresql_bystanders(
    connection: Connection, scope: Scope
) -> frozenset[Bystander]:
    """Return what stands beside the tables in *scope* and is compared with nothing."""
    session = Session(connection)
    schemas = ", ".join(
        literal(schema or session.default_schema) for schema in scope.schemas
    )
    with session.undone():
        session.see_only_default_schema()
        rows = session.rows(" UNION ALL ".join(_ALL).format(schemas=schemas))
    return frozenset(
        Bystander(kind=kind, name=name, text=settled(said or ""))
        for kind, name, said in rows
    )
