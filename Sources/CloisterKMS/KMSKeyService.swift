import CloisterServiceKit

/// KMS as one other service of the platform uses it: with the rights of the service's caller, and
/// `kms:ViaService` naming the service.
struct KMSKeyService: KeyService {
    let ring: KeyRing
    let service: String

    func encrypt(
        _ plaintext: [UInt8], under key: String, context: [String: String], for caller: Caller
    ) async throws(ServiceError) -> [UInt8] {
        try await typed { () async throws -> [UInt8] in
            guard (1...KMSLimits.plaintextBytesMax).contains(plaintext.count) else {
                throw KMSError.constraint(
                    "plaintext", value: nil, "Member must have length between 1 and \(KMSLimits.plaintextBytesMax)")
            }
            let context = try KMSValidation.context(context)
            let key = try await ring.key(key, KeyAccess("Encrypt", context: context), for: requester(caller))
            try ring.checkUsable(key, for: .encryptDecrypt, "Encrypt")
            guard key.record.spec == .symmetricDefault else {
                throw KMSError.invalidUsage("\(key.arn) is not a symmetric encryption key.")
            }
            return try ring.seal(plaintext, under: key, context: context)
        }
    }

    func decrypt(_ blob: [UInt8], context: [String: String], for caller: Caller) async throws(ServiceError) -> [UInt8] {
        try await typed { () async throws -> [UInt8] in
            guard let blob = CiphertextBlob(blob) else { throw KMSError.invalidCiphertext }
            let context = try KMSValidation.context(context)
            let access = KeyAccess("Decrypt", context: context)
            let key = try await ring.key(blob.keyID.rawValue, access, for: requester(caller))
            try ring.checkUsable(key, for: .encryptDecrypt, "Decrypt")
            return try ring.open(blob, with: key, context: context).plaintext
        }
    }

    func keyARN(_ key: String, for caller: Caller) async throws(ServiceError) -> String {
        try await typed { () async throws -> String in
            try await ring.key(key, KeyAccess("DescribeKey"), for: requester(caller)).arn
        }
    }

    private func requester(_ caller: Caller) -> Requester { Requester(caller: caller, via: service) }

    private func typed<Value>(_ body: () async throws -> Value) async throws(ServiceError) -> Value {
        do { return try await body() } catch { throw KMSError.from(error) }
    }
}
