struct AliasRequest: Decodable {
    var name: String?
    var functionVersion: String?
    var description: String?
    var routingConfig: RoutingConfigShape?
    var revisionId: String?
}

struct RoutingConfigShape: Codable { var additionalVersionWeights: [String: Double]? }

struct AliasShape: Encodable {
    var aliasArn: String
    var name: String
    var functionVersion: String
    var description: String
    var routingConfig: RoutingConfigShape?
    var revisionId: String
}

struct AliasListShape: Encodable {
    var aliases: [AliasShape]
    var nextMarker: String?
}
