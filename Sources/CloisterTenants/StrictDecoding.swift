import CloisterServiceKit
import FoundationEssentials

/// A document that is refused when it has members that nobody reads: a misspelled limit must not be no limit.
protocol StrictlyDecoded: Decodable {
    static var members: [String] { get }
}

enum StrictDecoding {
    static let bytesMax = 64 << 10

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The names of an object's members, and of those of its member `limits`.
    private struct Names: Decodable {
        var own: [String]
        var limits: [String] = []

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            own = container.allKeys.map(\.stringValue)
            let key = Name(stringValue: "limits")
            guard container.contains(key), try !container.decodeNil(forKey: key) else { return }
            limits = try container.nestedContainer(keyedBy: Name.self, forKey: key).allKeys.map(\.stringValue)
        }
    }

    static func decode<Record: StrictlyDecoded>(_ type: Record.Type, _ body: [UInt8]) throws(ServiceError) -> Record {
        guard body.count <= bytesMax else {
            throw ServiceError(
                "RequestTooLargeException", status: 413, message: "The document must have at most \(bytesMax) bytes.")
        }
        let data = Data(body.isEmpty ? Array("{}".utf8) : body)
        let (names, record): (Names, Record)
        do {
            names = try JSONDecoder().decode(Names.self, from: data)
            record = try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw .validation(text(error))
        } catch {
            throw .validation("The document can't be read.")
        }
        if let unknown = names.own.filter({ !type.members.contains($0) }).min() {
            throw .validation(
                "'\(unknown.prefix(64))' is no member: there are \(type.members.joined(separator: ", ")).")
        }
        if let unknown = names.limits.filter({ !LimitsRecord.members.contains($0) }).min() {
            throw .validation(
                "'\(unknown.prefix(64))' is no limit: there are \(LimitsRecord.members.joined(separator: ", ")).")
        }
        return record
    }

    private static func text(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "'\(path(context))' has the wrong type."
        case .dataCorrupted(let context) where !context.codingPath.isEmpty: "'\(path(context))' has no valid value."
        default: "The document must be one JSON object."
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        let names = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
        return names.isEmpty ? "the document" : names.joined(separator: ".")
    }
}

extension ServiceError {
    static func validation(_ message: String) -> ServiceError {
        ServiceError("ValidationException", status: 400, message: message)
    }

    static func notFound(_ message: String) -> ServiceError {
        ServiceError("ResourceNotFoundException", status: 404, message: message)
    }

    static func conflict(_ message: String) -> ServiceError {
        ServiceError("ConflictException", status: 409, message: message)
    }

    static func service(log: String) -> ServiceError {
        ServiceError(
            "ServiceException", status: 500, message: "An internal error occurred. The server's log has the reason.",
            fault: .service, logMessage: log)
    }
}
