import CloisterCore
import CloisterTemplates
import Foundation

/// Stack records, which the server keeps: `GET`, `PUT` and `DELETE /_cloister/stacks/NAME`.
struct StackClient {
    static let accountField = "x-cloister-account-id"

    let api: APIClient

    /// The record, if the stack is deployed, and the server's account.
    func record(_ name: String) throws -> (record: StackRecord?, account: AccountID) {
        do {
            let response = try api.send(APIRequest("GET", path(name), service: "cloister"))
            let record = try JSONDecoder().decode(StackRecord.self, from: Data(response.body))
            return (record, account(response))
        } catch let error as APIError where error.isNotFound {
            return (nil, try account())
        } catch let error as DecodingError {
            throw CommandFailure("the record of stack \(name) can't be read: \(error)")
        }
    }

    func put(_ record: StackRecord) throws {
        var request = APIRequest("PUT", path(record.name), service: "cloister")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        request.body = [UInt8](try encoder.encode(record))
        request.fields = [(name: "content-type", value: "application/json")]
        _ = try api.send(request)
    }

    func delete(_ name: String) throws {
        do {
            _ = try api.send(APIRequest("DELETE", path(name), service: "cloister"))
        } catch let error as APIError where error.isNotFound {}
    }

    /// `GET /_cloister/health` says which account the server is; one that doesn't say has the default account.
    private func account() throws -> AccountID {
        do {
            return account(try api.send(APIRequest("GET", "/_cloister/health", service: "cloister")))
        } catch let error as APIError where error.status == 404 || error.status == 501 {
            return .default
        }
    }

    private func account(_ response: HTTPResponse) -> AccountID {
        let given = response.field(StackClient.accountField) ?? JSONValue(bytes: response.body)?["accountId"]?.string
        return given.flatMap { AccountID($0) } ?? .default
    }

    private func path(_ name: String) -> String { "/_cloister/stacks/\(APIRequest.encode(name))" }
}
