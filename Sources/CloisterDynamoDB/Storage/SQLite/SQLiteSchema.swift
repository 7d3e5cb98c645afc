import GRDB

/// The tables of `dynamodb.db`, by migration. A migration that was shipped is never changed.
enum SQLiteSchema {
    static func migrator(applicationID: Int32) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 tables and items") { database in
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: version1)
        }
        return migrator
    }

    // Keys are in the clear, in an order that makes a query a walk along an index; bodies are encrypted.
    // `identifiers` numbers tables and indexes and never gives a number twice (AUTOINCREMENT).
    private static let version1 = """
        CREATE TABLE identifiers (id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
        CREATE TABLE tables (
            id INTEGER PRIMARY KEY,
            account TEXT NOT NULL,
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            revision INTEGER NOT NULL,
            definition BLOB NOT NULL,
            UNIQUE (account, region, name)
        ) STRICT;
        CREATE TABLE counts (
            table_id INTEGER NOT NULL,
            index_id INTEGER NOT NULL,
            items INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (table_id, index_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE items (
            table_id INTEGER NOT NULL,
            partition BLOB NOT NULL,
            sort BLOB NOT NULL,
            bytes INTEGER NOT NULL,
            expires_at INTEGER,
            body BLOB NOT NULL,
            PRIMARY KEY (table_id, partition, sort)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX items_by_expiry ON items (table_id, expires_at) WHERE expires_at IS NOT NULL;
        CREATE TABLE entries (
            index_id INTEGER NOT NULL,
            partition BLOB NOT NULL,
            sort BLOB NOT NULL,
            item_partition BLOB NOT NULL,
            item_sort BLOB NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (index_id, partition, sort, item_partition, item_sort)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX entries_by_item ON entries (index_id, item_partition, item_sort);
        CREATE TABLE dropped (id INTEGER PRIMARY KEY, is_index INTEGER NOT NULL) STRICT;
        CREATE TABLE tokens (
            account TEXT NOT NULL,
            region TEXT NOT NULL,
            token TEXT NOT NULL,
            digest BLOB NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (account, region, token)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX tokens_by_time ON tokens (at);
        """
}
