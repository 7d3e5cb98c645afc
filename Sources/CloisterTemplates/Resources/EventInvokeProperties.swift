/// What happens to `Event` invocations, as PutFunctionEventInvokeConfig takes it.
enum EventInvokeProperties {
    /// Marks every property it knows; warns about the others.
    static func read(_ reader: inout PropertyReader) throws -> [String: PropertyValue] {
        var result: [String: PropertyValue] = [
            "MaximumRetryAttempts": .integer(try reader.integer("MaximumRetryAttempts", in: 0...2) ?? 2),
            "MaximumEventAgeInSeconds": .integer(
                try reader.integer("MaximumEventAgeInSeconds", in: 60...21_600) ?? 21_600),
        ]
        var destinations: [String: PropertyValue] = [:]
        if var section = try reader.section("DestinationConfig") {
            for key in ["OnSuccess", "OnFailure"] {
                guard var target = try section.section(key) else { continue }
                target.skip("Type")
                destinations[key] = .map(["Destination": .text(try target.required("Destination"))])
                try target.warnAboutUnknown()
            }
            try section.warnAboutUnknown()
        }
        if !destinations.isEmpty { result["DestinationConfig"] = .map(destinations) }
        try reader.warnAboutUnknown()
        return result
    }
}
