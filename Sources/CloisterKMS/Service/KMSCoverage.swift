import Foundation

/// Every operation of KMS's model, and which of them are built: the one table for dispatch and documentation.
public enum KMSCoverage {
    typealias Handler = @Sendable (KMSService, KMSCall) async throws -> [UInt8]

    public struct Operation: Sendable {
        /// What differs from AWS; for the documentation.
        public let note: String
        let handler: Handler?

        public var isBuilt: Bool { handler != nil }
    }

    public static let operations: [String: Operation] = [:]
}
