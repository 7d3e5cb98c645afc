import CloisterServiceKit
import Foundation

extension KMSService {
    func generateDataKey(_ call: KMSCall) async throws -> Responses.DataKey {
        try await dataKey(call, "GenerateDataKey", isShown: true)
    }

    func generateDataKeyWithoutPlaintext(_ call: KMSCall) async throws -> Responses.DataKey {
        try await dataKey(call, "GenerateDataKeyWithoutPlaintext", isShown: false)
    }

    func generateDataKeyPair(_ call: KMSCall) async throws -> Responses.DataKeyPair {
        try await dataKeyPair(call, "GenerateDataKeyPair", isShown: true)
    }

    func generateDataKeyPairWithoutPlaintext(_ call: KMSCall) async throws -> Responses.DataKeyPair {
        try await dataKeyPair(call, "GenerateDataKeyPairWithoutPlaintext", isShown: false)
    }

    func generateRandom(_ call: KMSCall) async throws -> Responses.Random {
        let input = try call.input(Requests.DataKey.self)
        guard input.Recipient == nil else { throw JSONProtocol.notBuilt("GenerateRandom with Recipient") }
        guard input.CustomKeyStoreId == nil else { throw JSONProtocol.notBuilt("GenerateRandom with CustomKeyStoreId") }
        let count = try Check.number(input.NumberOfBytes, "numberOfBytes", 1...1_024)
        guard let count else { throw KMSError.validation("NumberOfBytes is required.") }
        try await ring.authorize(KeyAccess("GenerateRandom"), for: call.requester)
        return Responses.Random(Plaintext: Data(ring.random(count)))
    }

    private func dataKey(_ call: KMSCall, _ operation: String, isShown: Bool) async throws -> Responses.DataKey {
        let input = try call.input(Requests.DataKey.self)
        let count = try dataKeyBytes(input)
        let context = try Check.context(input.EncryptionContext)
        let key = try await wrappingKey(input, operation, context, call, conditions: [:])
        if input.DryRun == true { throw KMSError.dryRun }
        let plaintext = ring.random(count)
        return Responses.DataKey(
            CiphertextBlob: Data(try ring.seal(plaintext, under: key, context: context)),
            Plaintext: isShown ? Data(plaintext) : nil, KeyId: key.arn, KeyMaterialId: key.record.current?.id)
    }

    private func dataKeyPair(_ call: KMSCall, _ operation: String, isShown: Bool) async throws -> Responses.DataKeyPair {
        let input = try call.input(Requests.DataKey.self)
        let spec = try pairSpec(input.KeyPairSpec)
        let context = try Check.context(input.EncryptionContext)
        let conditions = ["kms:DataKeyPairSpec": [spec.rawValue]]
        let key = try await wrappingKey(input, operation, context, call, conditions: conditions)
        if input.DryRun == true { throw KMSError.dryRun }
        let pair = try await ring.newDataKeyPair(spec)
        return Responses.DataKeyPair(
            PrivateKeyCiphertextBlob: Data(try ring.seal(pair.privateKey, under: key, context: context)),
            PrivateKeyPlaintext: isShown ? Data(pair.privateKey) : nil, PublicKey: Data(pair.publicKey), KeyId: key.arn,
            KeyPairSpec: spec.rawValue, KeyMaterialId: key.record.current?.id)
    }

    private func wrappingKey(
        _ input: Requests.DataKey, _ operation: String, _ context: [String: String], _ call: KMSCall,
        conditions: [String: [String]]
    ) async throws -> LoadedKey {
        guard input.Recipient == nil else { throw JSONProtocol.notBuilt("\(operation) with Recipient") }
        try Check.grantTokens(input.GrantTokens)
        let access = KeyAccess(operation, context: context, conditions: conditions)
        let key = try await ring.key(input.KeyId, access, for: call.requester)
        try ring.checkUsable(key, for: .encryptDecrypt, operation)
        guard key.record.spec == .symmetricDefault else {
            throw KMSError.invalidUsage("\(key.arn) key spec is \(key.record.spec.rawValue) which is not valid for \(operation).")
        }
        return key
    }

    private func dataKeyBytes(_ input: Requests.DataKey) throws -> Int {
        let count = try Check.number(input.NumberOfBytes, "numberOfBytes", 1...1_024)
        switch (count, input.KeySpec) {
        case (let count?, nil): return count
        case (nil, "AES_256"): return 32
        case (nil, "AES_128"): return 16
        case (nil, let spec?): throw Check.notIn(["AES_256", "AES_128"], spec, "keySpec")
        case (nil, nil), (_?, _?): throw KMSError.validation("Please specify either number of bytes or key spec.")
        }
    }

    private func pairSpec(_ text: String?) throws -> KeySpec {
        guard let text else { throw KMSError.required("keyPairSpec") }
        guard !KeySpec.notBuilt.contains(text) else { throw JSONProtocol.notBuilt("A key pair of \(text)") }
        guard let spec = KeySpec(rawValue: text), spec.family == .rsa || spec.family == .ecc else {
            let pairs = KeySpec.allCases.filter { $0.family == .rsa || $0.family == .ecc }
            throw Check.notIn(pairs.map(\.rawValue), text, "keyPairSpec")
        }
        return spec
    }
}
