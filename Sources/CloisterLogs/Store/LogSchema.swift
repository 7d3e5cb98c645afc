import GRDB

/// The tables of `logs.db`.
enum LogSchema {
    static func migrate(_ database: some DatabaseWriter) throws {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in try db.execute(sql: version1) }
        try migrator.migrate(database)
    }

    // `chunks.id` is never used twice (AUTOINCREMENT): positions and tokens stay true after deletions.
    // One stream belongs to one environment and so to at most one tenant; each row has its tenant all the same, because
    // what the environment writes before it's bound belongs to nobody.
    private static let version1 = """
        CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE groups (
            id INTEGER PRIMARY KEY,
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            retention_days INTEGER,
            stored_bytes INTEGER NOT NULL DEFAULT 0,
            tags TEXT NOT NULL DEFAULT '{}',
            UNIQUE (region, name)
        );
        CREATE TABLE streams (
            id INTEGER PRIMARY KEY,
            group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            first_timestamp INTEGER,
            last_timestamp INTEGER,
            ingested_at INTEGER,
            UNIQUE (group_id, name)
        );
        CREATE INDEX streams_by_time ON streams (group_id, last_timestamp);
        CREATE TABLE chunks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
            stream_id INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
            tenant TEXT,
            first_timestamp INTEGER NOT NULL,
            last_timestamp INTEGER NOT NULL,
            ingested_at INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            data BLOB NOT NULL
        );
        CREATE INDEX chunks_by_group ON chunks (group_id, first_timestamp);
        CREATE INDEX chunks_by_stream ON chunks (stream_id, first_timestamp);
        CREATE INDEX chunks_by_stream_end ON chunks (stream_id, last_timestamp);
        CREATE INDEX chunks_by_tenant ON chunks (group_id, tenant, first_timestamp) WHERE tenant IS NOT NULL;
        """
}
