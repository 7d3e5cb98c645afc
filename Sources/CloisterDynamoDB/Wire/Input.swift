/// The members of a request, read with the model's types; a member that is null is absent.
struct Input: Sendable {
    let members: [JSON.Member]

    init(members: [JSON.Member]) { self.members = members.filter { $0.value != .null } }

    init(_ json: JSON, shape: String) throws {
        guard case .object(let members) = json else { throw WireType.structure(shape).mismatch(json) }
        self.init(members: members)
    }

    func has(_ name: Text) -> Bool { self[name] != nil }

    subscript(name: Text) -> JSON? { members.last { $0.name == name }?.value }

    func string(_ name: Text) throws -> String? { try self[name].map { try WireType.text($0).string } }
    func bool(_ name: Text) throws -> Bool? { try self[name].map(WireType.flag) }
    func integer(_ name: Text) throws -> Int? { try self[name].map(WireType.number) }
    func list(_ name: Text) throws -> [JSON]? { try self[name].map(WireType.elements) }
    func map(_ name: Text) throws -> [JSON.Member]? { try self[name].map(WireType.members) }
    func strings(_ name: Text) throws -> [Text]? { try list(name)?.map(WireType.text) }

    func structure(_ name: Text, shape: String = "Structure") throws -> Input? {
        try self[name].map { try Input($0, shape: shape) }
    }

    func structures(_ name: Text, shape: String = "Structure") throws -> [Input]? {
        try list(name)?.map { try Input($0, shape: shape) }
    }

    func item(_ name: Text) throws -> Item? { try self[name].map { try AttributeValueCoding.item($0) } }
}
