/// The kinds of keys that there are here, with AWS's names.
enum KeySpec: String, Codable, Sendable, CaseIterable {
    case symmetricDefault = "SYMMETRIC_DEFAULT"
    case rsa2048 = "RSA_2048"
    case rsa3072 = "RSA_3072"
    case rsa4096 = "RSA_4096"
    case eccP256 = "ECC_NIST_P256"
    case eccP384 = "ECC_NIST_P384"
    case eccP521 = "ECC_NIST_P521"
    case hmac224 = "HMAC_224"
    case hmac256 = "HMAC_256"
    case hmac384 = "HMAC_384"
    case hmac512 = "HMAC_512"

    /// AWS's kinds that aren't built: answered with 501.
    static let notBuilt: Set<String> = [
        "ECC_SECG_P256K1", "SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ECC_NIST_EDWARDS25519",
    ]

    enum Family { case symmetric, rsa, ecc, hmac }

    var family: Family {
        switch self {
        case .symmetricDefault: .symmetric
        case .rsa2048, .rsa3072, .rsa4096: .rsa
        case .eccP256, .eccP384, .eccP521: .ecc
        case .hmac224, .hmac256, .hmac384, .hmac512: .hmac
        }
    }

    /// What a key of this kind can be made for.
    var usages: [KeyUsage] {
        switch family {
        case .symmetric: [.encryptDecrypt]
        case .rsa: [.encryptDecrypt, .signVerify]
        case .ecc: [.signVerify]
        case .hmac: [.generateVerifyMAC]
        }
    }

    var rsaBits: Int {
        switch self {
        case .rsa2048: 2_048
        case .rsa3072: 3_072
        case .rsa4096: 4_096
        default: 0
        }
    }

    /// The length of a symmetric or HMAC key.
    var secretBytes: Int {
        switch self {
        case .symmetricDefault, .hmac256: 32
        case .hmac224: 28
        case .hmac384: 48
        case .hmac512: 64
        default: 0
        }
    }

    var encryptionAlgorithms: [EncryptionAlgorithm] {
        switch family {
        case .symmetric: [.symmetricDefault]
        case .rsa: [.rsaOAEPSHA1, .rsaOAEPSHA256]
        case .ecc, .hmac: []
        }
    }

    var signingAlgorithms: [SigningAlgorithm] {
        switch self {
        case .rsa2048, .rsa3072, .rsa4096: SigningAlgorithm.rsa
        case .eccP256: [.ecdsaSHA256]
        case .eccP384: [.ecdsaSHA384]
        case .eccP521: [.ecdsaSHA512]
        default: []
        }
    }

    var macAlgorithms: [MACAlgorithm] {
        switch self {
        case .hmac224: [.sha224]
        case .hmac256: [.sha256]
        case .hmac384: [.sha384]
        case .hmac512: [.sha512]
        default: []
        }
    }
}

enum KeyUsage: String, Codable, Sendable, CaseIterable {
    case signVerify = "SIGN_VERIFY"
    case encryptDecrypt = "ENCRYPT_DECRYPT"
    case generateVerifyMAC = "GENERATE_VERIFY_MAC"
    case keyAgreement = "KEY_AGREEMENT"
}

enum EncryptionAlgorithm: String, Codable, Sendable, CaseIterable {
    case symmetricDefault = "SYMMETRIC_DEFAULT"
    case rsaOAEPSHA1 = "RSAES_OAEP_SHA_1"
    case rsaOAEPSHA256 = "RSAES_OAEP_SHA_256"
}

enum MACAlgorithm: String, Codable, Sendable, CaseIterable {
    case sha224 = "HMAC_SHA_224"
    case sha256 = "HMAC_SHA_256"
    case sha384 = "HMAC_SHA_384"
    case sha512 = "HMAC_SHA_512"
}

enum SigningAlgorithm: String, Codable, Sendable, CaseIterable {
    case pssSHA256 = "RSASSA_PSS_SHA_256"
    case pssSHA384 = "RSASSA_PSS_SHA_384"
    case pssSHA512 = "RSASSA_PSS_SHA_512"
    case pkcs1SHA256 = "RSASSA_PKCS1_V1_5_SHA_256"
    case pkcs1SHA384 = "RSASSA_PKCS1_V1_5_SHA_384"
    case pkcs1SHA512 = "RSASSA_PKCS1_V1_5_SHA_512"
    case ecdsaSHA256 = "ECDSA_SHA_256"
    case ecdsaSHA384 = "ECDSA_SHA_384"
    case ecdsaSHA512 = "ECDSA_SHA_512"

    static let rsa: [SigningAlgorithm] = [
        .pkcs1SHA256, .pkcs1SHA384, .pkcs1SHA512, .pssSHA256, .pssSHA384, .pssSHA512,
    ]

    enum Hash { case sha256, sha384, sha512 }

    var hash: Hash {
        switch self {
        case .pssSHA256, .pkcs1SHA256, .ecdsaSHA256: .sha256
        case .pssSHA384, .pkcs1SHA384, .ecdsaSHA384: .sha384
        case .pssSHA512, .pkcs1SHA512, .ecdsaSHA512: .sha512
        }
    }

    var digestBytes: Int {
        switch hash {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    var isPSS: Bool { [.pssSHA256, .pssSHA384, .pssSHA512].contains(self) }
}
