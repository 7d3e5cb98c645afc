import CloisterServiceKit
import FoundationEssentials

/// JSON as AWS's Lambda API has it: members begin with a capital letter, `FunctionName` for `functionName`.
enum LambdaJSON {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    /// An empty body counts as `{}`. Throws what AWS answers for what is no JSON and for a member of a wrong type.
    static func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(ServiceError) -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            Key(stringValue: lowered(path.last?.stringValue ?? ""))
        }
        decoder.dataDecodingStrategy = .base64
        let document = Data(body.isEmpty ? Array("{}".utf8) : body)
        do {
            return try decoder.decode(type, from: document)
        } catch let error as DecodingError {
            throw refusal(error, document)
        } catch {
            throw .unparsable("the document can't be read")
        }
    }

    static func encode(_ value: some Encodable) throws(ServiceError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .custom { path in
            Key(stringValue: raised(path.last?.stringValue ?? ""))
        }
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        do { return Array(try encoder.encode(value)) } catch {
            throw .service(log: "can't encode an answer: \(type(of: value))")
        }
    }

    /// Members that don't begin with a capital letter aren't AWS's, and must not be taken for one.
    private static func lowered(_ member: String) -> String {
        guard let first = member.first, first.isASCII, first.isUppercase else { return "_" + member }
        return first.lowercased() + member.dropFirst()
    }

    private static func raised(_ property: String) -> String {
        property.prefix(1).uppercased() + property.dropFirst()
    }

    private static func refusal(_ error: DecodingError, _ body: Data) -> ServiceError {
        switch error {
        case .typeMismatch(let type, let context):
            return .serialization("Member '\(member(context.codingPath))' must be \(name(type)).")
        case .valueNotFound(_, let context):
            return .serialization("Member '\(member(context.codingPath))' must not be null.")
        case .keyNotFound(let key, let context):
            return .serialization("Member '\(member(context.codingPath + [key]))' is missing.")
        case .dataCorrupted(let context):
            guard context.codingPath.isEmpty else {
                return .serialization("Member '\(member(context.codingPath))' has no valid value.")
            }
            // The decoder words a number that doesn't fit as it words what is no JSON: so look again.
            let isJSON = (try? JSONDecoder().decode(Presence.self, from: body)) != nil
            return isJSON ? .serialization("A member has no valid value.") : .unparsable("malformed JSON")
        @unknown default:
            return .unparsable("the document can't be read")
        }
    }

    private static func member(_ path: [any CodingKey]) -> String {
        path.map { $0.intValue.map(String.init) ?? raised($0.stringValue) }.joined(separator: ".")
    }

    private static func name(_ type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Int.Type, is Double.Type: "a number"
        case is Bool.Type: "true or false"
        case is Data.Type: "a base64 string"
        default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
        }
    }
}

extension LambdaJSON {
    /// For documents whose members are already spelled as they shall be.
    static func encodeVerbatim(_ value: some Encodable) throws(ServiceError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        do { return Array(try encoder.encode(value)) } catch {
            throw .service(log: "can't encode \(type(of: value))")
        }
    }
}
