struct ProvisionedConcurrencyRequest: Decodable {
    var provisionedConcurrentExecutions: Int?
}

struct ProvisionedConcurrencyShape: Encodable, Equatable {
    var functionArn: String?
    var requestedProvisionedConcurrentExecutions: Int
    var availableProvisionedConcurrentExecutions: Int
    var allocatedProvisionedConcurrentExecutions: Int
    var status: String
    var statusReason: String?
    var lastModified: String
}

struct ProvisionedConcurrencyListShape: Encodable {
    var provisionedConcurrencyConfigs: [ProvisionedConcurrencyShape]
    var nextMarker: String?
}
