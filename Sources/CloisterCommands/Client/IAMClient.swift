import CloisterTemplates
import Foundation

/// The operations of the IAM API that deployments need.
struct IAMClient {
    let api: APIClient

    /// Sends one operation of the query protocol; the answer's XML.
    @discardableResult
    func send(_ operation: String, _ parameters: [String: String]) throws -> String {
        var request = APIRequest("POST", "/", service: "iam")
        request.fields.append((name: "content-type", value: "application/x-www-form-urlencoded"))
        let all = parameters.merging(["Action": operation, "Version": "2010-05-08"]) { $1 }
        request.body = Array(
            all.sorted { $0.key < $1.key }.map { "\(APIRequest.encode($0.key))=\(APIRequest.encode($0.value))" }
                .joined(separator: "&").utf8)
        return String(decoding: try api.send(request).body, as: UTF8.self)
    }

    /// Nil when what it is about isn't there.
    @discardableResult
    func sendUnlessMissing(_ operation: String, _ parameters: [String: String]) throws -> String? {
        do {
            return try send(operation, parameters)
        } catch let error as APIError where error.code == "NoSuchEntity" {
            return nil
        }
    }

    /// The texts of every element of that name.
    static func texts(_ name: String, in xml: String) -> [String] {
        xml.split(separator: "<\(name)>").dropFirst().compactMap { part in
            part.range(of: "</\(name)>").map { unescaped(String(part[..<$0.lowerBound])) }
        }
    }

    private static func unescaped(_ text: String) -> String {
        text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&amp;", with: "&")
    }
}
