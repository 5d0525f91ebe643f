#include "controlplane/store/schema.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include "controlplane/store/rows.h"
#include "controlplane/store/text.h"
#include "dataplane/base/hints.h"

// Of advisory locks: any number, the same in every version.
#define LOCK "7521983, 1"

enum { MIGRATE_MS = 24 * 3600 * 1000 };

static const struct migration {
    const char *name;
    const char *sql;
} migrations[] = {
#define MIGRATION(name, sql) {name, sql},
#include "migrations.inc"
};

uint32_t schema_newest(void)
{
    return ARRAY_LEN(migrations);
}

bool schema_version(struct link *link, uint32_t *version)
{
    *version = 0;
    PGresult *result = link_ask(link, "SELECT to_regclass('tickgate.schema_version') IS NOT NULL");
    if (result == NULL)
        return false;
    const bool there = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    if (!there)
        return true;
    result = link_ask(link, "SELECT coalesce(max(version), 0) FROM tickgate.schema_version");
    if (result == NULL)
        return false;
    *version = (uint32_t)strtoul(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return true;
}

// A view that is made anew has lost what others may do with it. So that is noted for the
// transaction (as a setting: it needs no rights), and given again to those that are there under the
// same name.
static const char grants_note[] =
    "SELECT set_config('tickgate.grants', coalesce(json_agg(g), '[]')::text, true) FROM ("
    "SELECT c.relname AS name, c.oid::bigint AS id, '' AS part, a.* "
    "FROM pg_catalog.pg_class c, LATERAL aclexplode(c.relacl) a "
    "WHERE c.relnamespace = to_regnamespace('tickgate') AND c.relkind = 'v' "
    "AND a.grantee <> c.relowner UNION ALL "
    "SELECT c.relname, c.oid::bigint, t.attname, a.* FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid, LATERAL aclexplode(t.attacl) a "
    "WHERE c.relnamespace = to_regnamespace('tickgate') AND c.relkind = 'v' "
    "AND a.grantee <> c.relowner) g;\n";
static const char grants_give[] =
    "DO $$ DECLARE g record; BEGIN FOR g IN SELECT r.*, to_regclass(format('tickgate.%I', r.name)) "
    "AS view FROM json_to_recordset(current_setting('tickgate.grants')::json) AS r(name text, "
    "id bigint, part text, grantee oid, privilege_type text, is_grantable boolean) LOOP "
    "CONTINUE WHEN g.view IS NULL OR g.view::oid::bigint = g.id OR (g.part <> '' AND NOT EXISTS ("
    "SELECT FROM pg_catalog.pg_attribute t WHERE t.attrelid = g.view AND t.attname = g.part)); "
    "EXECUTE format('GRANT %s%s ON %s TO %s%s', g.privilege_type, "
    "CASE WHEN g.part <> '' THEN format(' (%I)', g.part) END, g.view, "
    "CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, "
    "CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END); END LOOP; END $$;\n";

// Words that rows name by number are those of this program.
static void refusals_add(struct sql_text *sql)
{
    sql_add(sql, "INSERT INTO tickgate.refusals VALUES ");
    for (unsigned n = 0, written = 0; n < REFUSALS; n++) {
        if (refusal_name(n)[0] == '?')
            continue;
        sql_add(sql, "%s(%u,", written++ ? "," : "", n);
        sql_add_quoted(sql, refusal_name(n), 64);
        sql_add(sql, ",");
        sql_add_quoted(sql, refusal_help(n), 200);
        sql_add(sql, ")");
    }
    sql_add(sql, " ON CONFLICT (number) DO UPDATE SET name = excluded.name, help = excluded.help;");
}

static bool newer(struct link *link, uint32_t version, struct error *err)
{
    return error_set(err, EXIT_STATE,
                     "store: database '%s' has schema %" PRIu32
                     ", this tickgate knows up to %" PRIu32
                     "; use the newer tickgate, or name another database",
                     PQdb(link->conn), version, schema_newest());
}

static bool migrate_all(struct link *link, struct error *err)
{
    struct sql_text sql = {0};
    uint32_t version;
    if (!link_run(link, "BEGIN; SELECT pg_advisory_xact_lock(" LOCK ")") ||
        !schema_version(link, &version))
        return error_set(err, EXIT_FAILED, "store: %s", link->why);
    if (version > schema_newest()) {
        (void)link_run(link, "ROLLBACK");
        return newer(link, version, err);
    }
    sql_clear(&sql);
    if (version == 0)
        sql_add(&sql, "CREATE SCHEMA IF NOT EXISTS tickgate; CREATE TABLE tickgate.schema_version ("
                      "version integer PRIMARY KEY, name text NOT NULL, program text NOT NULL, "
                      "applied_at timestamptz NOT NULL DEFAULT now());");
    sql_add(&sql, "%s", grants_note);
    for (uint32_t v = version; v < schema_newest(); v++)
        sql_add(&sql,
                "%s\nINSERT INTO tickgate.schema_version (version, name, program) VALUES (%" PRIu32
                ", '%s', '" TICKGATE_VERSION "');",
                migrations[v].sql, v + 1, migrations[v].name);
    sql_add(&sql, "%s", grants_give);
    refusals_add(&sql);
    sql_add(&sql, "COMMIT;");
    const bool done = link_run(link, sql.text);
    sql_free(&sql);
    return done ||
           error_set(err, EXIT_FAILED, "store: schema %" PRIu32 ": %s", schema_newest(), link->why);
}

bool schema_prepare(struct link *link, bool migrate, struct error *err)
{
    uint32_t version;
    if (!schema_version(link, &version))
        return error_set(err, EXIT_FAILED, "store: %s", link->why);
    if (version > schema_newest())
        return newer(link, version, err);
    if (version == schema_newest())
        return true;
    if (!migrate)
        return error_set(
            err, EXIT_STATE,
            "store: database '%s' has schema %" PRIu32 ", needed is %" PRIu32
            "; run tickgate-controlplane --config FILE --migrate, or set store.migrate: true",
            PQdb(link->conn), version, schema_newest());
    // Rows of years may have to be changed, or another does it at this moment: the server says
    // nothing meanwhile.
    const uint32_t silence_ms = link->silence_ms;
    link->silence_ms = MIGRATE_MS;
    const bool done = migrate_all(link, err);
    link->silence_ms = silence_ms;
    return done;
}
