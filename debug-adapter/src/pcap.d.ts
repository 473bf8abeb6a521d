/** All packets in order. Throws CodedError `pcap-format` and `pcap-truncated`. */
export declare function packetsOf(bytes: Uint8Array): Uint8Array[];
/** The packets one by one. */
export declare function packets(bytes: Uint8Array): Generator<Uint8Array>;
