import Testing

/// Every test that boots machines, one after the other: each takes a CPU for seconds.
@Suite(.serialized) enum MachineTests {}
