/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shape of the store, version by version. A migration that has been released is never edited:
 * a change is a new row at the end. Not for queries: those stand where they are used.
 *
 * Instants are microseconds since 1970 (NULL: unknown). A run is `own` when it was begun in this
 * store and `seen` when it is known from what others said of it (events, completion records).
 */
#include "store/internal.h"

static const char version_1[] =
    "CREATE TABLE definition ("
    " id INTEGER PRIMARY KEY,"
    " sha256 TEXT NOT NULL UNIQUE,"
    " body TEXT NOT NULL) STRICT;"
    "CREATE TABLE run ("
    " id INTEGER PRIMARY KEY,"
    " run_id TEXT NOT NULL UNIQUE,"
    " origin TEXT NOT NULL CHECK (origin IN ('own', 'seen')),"
    " seen_key TEXT NOT NULL DEFAULT ''," /* greatest saying so far; see store_run_seen */
    " pipeline TEXT NOT NULL,"
    " namespace TEXT,"
    " parent_run_id TEXT,"
    " status TEXT NOT NULL,"
    " code_version TEXT, mode TEXT, base TEXT, error TEXT,"
    " started_us INTEGER, ended_us INTEGER,"
    " wall_s REAL, cpu_s REAL, peak_memory_bytes REAL, rejects REAL,"
    " host TEXT, boot TEXT, pid INTEGER, pid_start INTEGER,"
    " definition INTEGER REFERENCES definition(id)) STRICT;"
    "CREATE INDEX run_by_start ON run(started_us, run_id);"
    "CREATE INDEX run_by_pipeline ON run(pipeline, started_us, run_id);"
    "CREATE INDEX run_by_status ON run(status, started_us, run_id);"
    "CREATE INDEX run_by_parent ON run(parent_run_id, started_us, run_id)"
    " WHERE parent_run_id IS NOT NULL;"
    "CREATE INDEX run_by_definition ON run(definition) WHERE definition IS NOT NULL;"
    "CREATE TABLE stage ("
    " run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
    " seq INTEGER NOT NULL,"
    " stage TEXT NOT NULL,"
    " operation TEXT, status TEXT, signature TEXT, algorithm TEXT, parallelism REAL,"
    " records_in REAL, records_out REAL, bytes_in REAL, bytes_out REAL,"
    " wall_s REAL, cpu_s REAL, peak_memory_bytes REAL, read_bytes REAL, write_bytes REAL,"
    " predicted_cpu_s_p50 REAL, predicted_cpu_s_p95 REAL,"
    " predicted_wall_s_p50 REAL, predicted_wall_s_p95 REAL,"
    " predicted_peak_memory_bytes_p50 REAL, predicted_peak_memory_bytes_p95 REAL,"
    " predicted_records_out_p50 REAL, predicted_records_out_p95 REAL,"
    " PRIMARY KEY (run, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE log ("
    " id INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
    " stage TEXT NOT NULL,"
    " at INTEGER NOT NULL," /* offset of the first byte in all that was appended */
    " text BLOB NOT NULL,"
    " UNIQUE (run, stage, at)) STRICT;"
    "CREATE TABLE schema_version ("
    " id INTEGER PRIMARY KEY,"
    " fingerprint TEXT NOT NULL UNIQUE,"
    " columns TEXT NOT NULL) STRICT;"
    "CREATE TABLE profile ("
    " id INTEGER PRIMARY KEY,"
    " dataset TEXT NOT NULL,"
    " at_us INTEGER NOT NULL,"
    " schema INTEGER NOT NULL REFERENCES schema_version(id),"
    " records REAL, bytes REAL, data_quality_score REAL,"
    " line TEXT) STRICT;" /* NULL once it is no longer among the last of its dataset */
    "CREATE INDEX profile_by_dataset ON profile(dataset, id);"
    "CREATE INDEX profile_by_schema ON profile(schema);"
    "CREATE TABLE node ("
    " id INTEGER PRIMARY KEY,"
    " namespace TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,"
    " UNIQUE (namespace, name, kind)) STRICT;"
    "CREATE TABLE edge ("
    " id INTEGER PRIMARY KEY,"
    " from_node INTEGER NOT NULL REFERENCES node(id),"
    " to_node INTEGER NOT NULL REFERENCES node(id),"
    " kind TEXT NOT NULL,"
    " last_us INTEGER, last_run TEXT NOT NULL," /* of edge_seen, the latest */
    " UNIQUE (from_node, to_node, kind)) STRICT;"
    "CREATE INDEX edge_by_to ON edge(to_node);"
    "CREATE TABLE edge_seen ("
    " edge INTEGER NOT NULL REFERENCES edge(id) ON DELETE CASCADE,"
    " run_id TEXT NOT NULL," /* '' when no run is known */
    " at_us INTEGER,"
    " PRIMARY KEY (edge, run_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE event ("
    " sha256 TEXT PRIMARY KEY,"
    " run_id TEXT, at_us INTEGER,"
    " line TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_by_run ON event(run_id, at_us);"
    "CREATE TABLE fact ("
    " key TEXT PRIMARY KEY,"
    " value BLOB NOT NULL) STRICT, WITHOUT ROWID;";

/* The last profile of a dataset with its sketches, for comparisons. */
static const char version_2[] = "CREATE TABLE profile_image ("
                                " dataset TEXT NOT NULL PRIMARY KEY,"
                                " at_us INTEGER NOT NULL,"
                                " image BLOB NOT NULL) STRICT;";

/* What a run that did not complete has done already, for the one that goes on with it. */
static const char version_3[] = "ALTER TABLE run ADD COLUMN resumed_from TEXT;"
                                "CREATE TABLE journal ("
                                " run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
                                " stage TEXT NOT NULL," /* '': of the run as a whole */
                                " body TEXT NOT NULL,"
                                " PRIMARY KEY (run, stage)) STRICT, WITHOUT ROWID;";

static const char *const migrations[] = {version_1, version_2, version_3};

const char *const *store_migrations(int *n)
{
    *n = (int)ARRAY_LEN(migrations);
    return migrations;
}
