import GRDB

/// The tables, by migration. A migration that was shipped is never changed.
enum SQLiteSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 documents and events") { database in
            try database.execute(sql: "PRAGMA application_id = \(SQLiteStore.applicationID)")
            try database.execute(sql: documents)
            try database.execute(sql: events)
        }
        return migrator
    }

    private static let documents = """
        CREATE TABLE document (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            revision INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID
        """

    private static let events = """
        CREATE TABLE event (
            sequence INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            region TEXT NOT NULL,
            function TEXT NOT NULL,
            qualifier TEXT,
            tenant TEXT,
            client_context TEXT,
            trace_header TEXT,
            accepted_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            not_before INTEGER NOT NULL,
            payload BLOB NOT NULL
        ) STRICT
        """
}
