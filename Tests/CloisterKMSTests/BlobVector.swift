/// What an independent implementation of the format gives.
enum BlobVector {
    static let format1 =
        "0100112233445566778899aabbccddeeff000000026465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
        + "a45d23329f879c490ed9ac6d63680d10e05adc0334"
}
