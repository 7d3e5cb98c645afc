import CloisterCore

/// A chunk as it lies in the database, with its names.
struct LogChunkRow {
    struct Entry {
        let row: LogChunkRow
        let position: LogPosition
        let requestID: ArraySlice<UInt8>
        let message: ArraySlice<UInt8>

        var stored: StoredLogRecord {
            StoredLogRecord(
                region: row.region, group: row.group, stream: row.stream, position: position,
                message: String(decoding: message, as: UTF8.self), tenant: row.tenant,
                requestID: requestID.isEmpty ? nil : RequestID(String(decoding: requestID, as: UTF8.self)),
                ingestedAt: row.ingestedAt)
        }
    }

    let id: Int64
    let region: String
    let group: String
    let stream: String
    let tenant: TenantID?
    let ingestedAt: Int64
    let bytes: [UInt8]

    func forEach(_ body: (Entry) -> Void) throws(LogStoreError) {
        try LogChunk.decode(bytes) { index, timestamp, requestID, message in
            let position = LogPosition(timestamp: timestamp, sequence: id << 16 | Int64(index))
            body(Entry(row: self, position: position, requestID: requestID, message: message))
        }
    }
}
