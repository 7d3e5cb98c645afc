struct PublishLayerVersionRequest: Decodable {
    var description: String?
    var content: FunctionCodeMember?
    var compatibleRuntimes: [String]?
    var licenseInfo: String?
    var compatibleArchitectures: [String]?
}

struct LayerVersionShape: Encodable {
    struct Content: Encodable {
        var location: String
        var codeSha256: String
        var codeSize: Int
    }

    var content: Content?
    var layerArn: String?
    var layerVersionArn: String
    var description: String
    var createdDate: String
    var version: Int
    var compatibleRuntimes: [String]?
    var licenseInfo: String?
    var compatibleArchitectures: [String]?
}

struct LayerListShape: Encodable {
    struct Layer: Encodable {
        var layerName: String
        var layerArn: String
        var latestMatchingVersion: LayerVersionShape
    }

    var layers: [Layer]
    var nextMarker: String?
}

struct LayerVersionListShape: Encodable {
    var layerVersions: [LayerVersionShape]
    var nextMarker: String?
}
