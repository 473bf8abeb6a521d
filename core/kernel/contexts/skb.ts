// struct __sk_buff over a simulated sk_buff (net/core/filter.c, bpf_convert_ctx_access, 6.18). It runs no program.
import type { Memory } from "../../vm/index.ts";
import { FieldContext, fieldTable, narrow, pointer, wide, type Field, type Wide } from "./context.ts";
import type { Packet } from "./packet.ts";

/** The fields of an sk_buff that programs can see. Byte orders are those of struct __sk_buff. */
export class SkBuff {
  readonly packet: Packet;
  /** Offsets in linear memory; 0 when not set. */
  macHeader: number;
  networkHeader: number;
  transportHeader = 0;
  pktType = 0;
  mark = 0;
  queueMapping = 0;
  /** In network byte order, as in struct __sk_buff. */
  protocol = 0;
  vlanPresent = false;
  vlanTci = 0;
  vlanProto = 0;
  priority = 0;
  ingressIfindex = 0;
  ifindex = 1;
  tcIndex = 0;
  readonly cb = new Int32Array(5);
  hash = 0;
  tcClassid = 0;
  napiId = 0;
  tstamp = 0n;
  tstampType = 0;
  pktLen: number;
  gsoSegs = 0;
  gsoSize = 0;
  hwtstamp = 0n;
  /** CHECKSUM_NONE 0, _UNNECESSARY 1, _COMPLETE 2; and csum_level. */
  ipSummed = 0;
  csumLevel = 0;
  /** Where the packet is on the way in (skb_at_tc_ingress). */
  atIngress = false;
  /** A struct bpf_tunnel_key and options, as the tunnel that it came through or is to go through has them. */
  tunnel: Tunnel | undefined;
  /** It came through a segment routing endpoint, whose header programs may change. */
  hasSegments = false;
  /** It carries an inner packet already (skb->encapsulation). */
  encapsulated = false;
  /** Address of the socket object, 0 without one. */
  sk = 0;
  sock: SockAddresses = {
    family: 0,
    remoteIp4: 0,
    localIp4: 0,
    remoteIp6: [0, 0, 0, 0],
    localIp6: [0, 0, 0, 0],
    remotePort: 0,
    localPort: 0,
  };
  hasDevice = true;
  /** Address of the struct bpf_flow_keys of a flow dissector. */
  flowKeys = 0;

  constructor(packet: Packet) {
    this.packet = packet;
    this.macHeader = packet.data;
    this.networkHeader = packet.data;
    this.pktLen = packet.length;
  }
  get length(): number {
    return this.packet.length;
  }
  /** Sees to it that `head` bytes fit before the packet and `tail` after it; the packet and its headers may move. */
  makeRoom(head: number, tail: number): void {
    const { packet } = this;
    const before = packet.data - packet.head,
      after = packet.limit - packet.end;
    if (before >= head && after >= tail) return;
    const moved = packet.expand(Math.max(before, head + 64), Math.max(after, tail));
    this.macHeader += moved;
    this.networkHeader += moved;
    if (this.transportHeader) this.transportHeader += moved;
  }
}
/** Key and options of a tunnel; `remote` and `local` are source and destination of the outer header of a packet that came in. */
export interface Tunnel {
  readonly id: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly tos: number;
  readonly ttl: number;
  readonly label: number;
  /** IP_TUNNEL_* bits as bpf_skb_get_tunnel_key shows them with BPF_F_TUNINFO_FLAGS. */
  readonly flags: number;
  readonly options?: Uint8Array;
  /** Set by the program: options may be added. */
  readonly own: boolean;
}
export interface SockAddresses {
  readonly family: number;
  readonly remoteIp4: number;
  readonly localIp4: number;
  readonly remoteIp6: readonly number[];
  readonly localIp6: readonly number[];
  readonly remotePort: number;
  readonly localPort: number;
}

const lo = (v: Wide): number => v.lo >>> 0;
type F = Field<SkBuff>;
const u32 = (name: string, off: number, get: (s: SkBuff) => number, set?: (s: SkBuff, v: number) => void): F => ({
  name,
  off,
  size: 4,
  get: (s) => narrow(get(s)),
  ...(set ? { set: (s: SkBuff, v: Wide) => set(s, lo(v)) } : {}),
});
const TARGETS: Readonly<Record<string, number>> = {
  pkt_type: 1,
  vlan_present: 1,
  queue_mapping: 2,
  protocol: 2,
  vlan_tci: 2,
  vlan_proto: 2,
  tc_index: 2,
  tc_classid: 2,
  family: 2,
  remote_port: 2,
  local_port: 2,
  gso_segs: 2,
  gso_size: 2,
};
const words = (name: string, off: number, get: (s: SkBuff) => readonly number[]): F[] =>
  [0, 1, 2, 3].map((i) => u32(`${name}[${i}]`, off + 4 * i, (s) => get(s)[i]!));

const FIELDS: readonly F[] = [
  u32("len", 0, (s) => s.length),
  u32("pkt_type", 4, (s) => s.pktType),
  u32(
    "mark",
    8,
    (s) => s.mark,
    (s, v) => (s.mark = v),
  ),
  u32(
    "queue_mapping",
    12,
    (s) => s.queueMapping,
    (s, v) => {
      if (v < 0xffff) s.queueMapping = v;
    },
  ),
  u32("protocol", 16, (s) => s.protocol),
  u32("vlan_present", 20, (s) => (s.vlanPresent ? 1 : 0)),
  u32("vlan_tci", 24, (s) => s.vlanTci),
  u32("vlan_proto", 28, (s) => s.vlanProto),
  u32(
    "priority",
    32,
    (s) => s.priority,
    (s, v) => (s.priority = v),
  ),
  u32("ingress_ifindex", 36, (s) => s.ingressIfindex),
  u32("ifindex", 40, (s) => (s.hasDevice ? s.ifindex : 0)),
  u32(
    "tc_index",
    44,
    (s) => s.tcIndex,
    (s, v) => (s.tcIndex = v & 0xffff),
  ),
  ...[0, 1, 2, 3, 4].map((i): F => ({
    name: `cb[${i}]`,
    off: 48 + 4 * i,
    size: 4,
    get: (s) => ({ lo: s.cb[i]!, hi: s.cb[i + 1] ?? 0 }),
    set: (s, v) => {
      s.cb[i] = v.lo;
    },
  })),
  u32("hash", 68, (s) => s.hash),
  u32(
    "tc_classid",
    72,
    (s) => s.tcClassid,
    (s, v) => (s.tcClassid = v & 0xffff),
  ),
  { name: "data", off: 76, size: 4, get: (s) => pointer(s.packet.data) },
  { name: "data_end", off: 80, size: 4, get: (s) => pointer(s.packet.end) },
  u32("napi_id", 84, (s) => s.napiId),
  u32("family", 88, (s) => s.sock.family),
  u32("remote_ip4", 92, (s) => s.sock.remoteIp4),
  u32("local_ip4", 96, (s) => s.sock.localIp4),
  ...words("remote_ip6", 100, (s) => s.sock.remoteIp6),
  ...words("local_ip6", 116, (s) => s.sock.localIp6),
  u32("remote_port", 132, (s) => s.sock.remotePort),
  u32("local_port", 136, (s) => s.sock.localPort),
  { name: "data_meta", off: 140, size: 4, get: (s) => pointer(s.packet.meta) },
  { name: "flow_keys", off: 144, size: 8, get: (s) => pointer(s.flowKeys) },
  { name: "tstamp", off: 152, size: 8, get: (s) => wide(s.tstamp), set: (s, v) => (s.tstamp = (BigInt(v.hi) << 32n) | BigInt(v.lo >>> 0)) },
  u32("wire_len", 160, (s) => s.pktLen),
  u32("gso_segs", 164, (s) => s.gsoSegs),
  { name: "sk", off: 168, size: 8, get: (s) => pointer(s.sk) },
  u32("gso_size", 176, (s) => s.gsoSize),
  { name: "tstamp_type", off: 180, size: 1, get: (s) => narrow(s.tstampType) },
  { name: "hwtstamp", off: 184, size: 8, get: (s) => wide(s.hwtstamp) },
];
const TABLE = fieldTable(FIELDS.map((f) => (TARGETS[f.name] ? { ...f, target: TARGETS[f.name]! } : f)));
/** sizeof(struct __sk_buff). */
export const SK_BUFF_BYTES = 192;

/** The context of all program types that see a packet as an sk_buff. */
export class SkbContext extends FieldContext<SkBuff> {
  readonly skb: SkBuff;
  constructor(memory: Memory, skb: SkBuff) {
    super(memory, "__sk_buff", SK_BUFF_BYTES, TABLE);
    this.skb = skb;
  }
  protected target(): SkBuff {
    return this.skb;
  }
  /** 8-byte accesses to two words of cb count as one. */
  override read(vm: import("../../vm/index.ts").Machine, off: number, size: number): void {
    super.read(vm, off, size);
    if (off >= 48 && off < 68 && size <= 4) vm.hi = 0;
    if (off >= 48 && off < 68 && size === 4) vm.lo = this.skb.cb[(off - 48) >> 2]!;
  }
  override write(vm: import("../../vm/index.ts").Machine, off: number, size: number, value: Wide): void {
    super.write(vm, off, size, value);
    if (off >= 48 && off < 64 && size === 8) this.skb.cb[((off - 48) >> 2) + 1] = value.hi;
  }
}
