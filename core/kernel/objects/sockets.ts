// Sockets as programs see them: struct bpf_sock and bpf_tcp_sock, the kernel's own structure, options, references. It sends and receives nothing.
import type { Region } from "../../vm/index.ts";
import type { KernelPart, MemberValue, ObjectStore } from "./kobject.ts";

export const AF_UNIX = 1,
  AF_INET = 2,
  AF_INET6 = 10;
export const SOCK_STREAM = 1,
  SOCK_DGRAM = 2;
export const IPPROTO_TCP = 6,
  IPPROTO_UDP = 17,
  IPPROTO_MPTCP = 262;
export const TCP_ESTABLISHED = 1,
  TCP_SYN_RECV = 3,
  TCP_TIME_WAIT = 6,
  TCP_CLOSE = 7,
  TCP_LISTEN = 10,
  TCP_NEW_SYN_RECV = 12;

/** A socket to be made. Addresses are the bytes on the wire; ports in host order. */
export interface SocketSpec {
  readonly family?: number;
  readonly type?: number;
  readonly protocol?: number;
  readonly state?: number;
  readonly local?: Uint8Array;
  readonly remote?: Uint8Array;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly mark?: number;
  readonly priority?: number;
  readonly device?: number;
  readonly uid?: number;
  readonly cgroupId?: bigint;
}
/** What changes about a socket and is not in linear memory; replaced, never changed. */
export interface SocketFacts {
  readonly refs: number;
  readonly destroyed: boolean;
  /** Options by `level/name`, as setsockopt set them. */
  readonly options: ReadonlyMap<string, Uint8Array>;
  readonly cbFlags: number;
}
const FRESH: SocketFacts = { refs: 1, destroyed: false, options: new Map(), cbFlags: 0 };

/** Places in struct bpf_sock. */
const OFF = {
  device: 0,
  family: 4,
  type: 8,
  protocol: 12,
  mark: 16,
  priority: 20,
  ip4: 24,
  ip6: 28,
  port: 44,
  dport: 48,
  dip4: 52,
  dip6: 56,
  state: 72,
  rxq: 76,
} as const;
const SOCK_BYTES = 80,
  TCP_BYTES = 112;
/** Names and places of struct bpf_tcp_sock with what a fresh connection has in them. */
const TCP_FIELDS: Readonly<Record<string, readonly [off: number, initial: number]>> = {
  snd_cwnd: [0, 10],
  srtt_us: [4, 0],
  rtt_min: [8, 0xffffffff],
  snd_ssthresh: [12, 0x7fffffff],
  rcv_nxt: [16, 0],
  snd_nxt: [20, 0],
  snd_una: [24, 0],
  mss_cache: [28, 536],
  ecn_flags: [32, 0],
  rate_delivered: [36, 0],
  rate_interval_us: [40, 0],
  packets_out: [44, 0],
};

/** One socket. What struct bpf_sock holds lives in linear memory and nowhere else. */
export class SimSocket {
  readonly id: number;
  readonly cookie: bigint;
  readonly uid: number;
  readonly cgroupId: bigint;
  /** struct bpf_sock. */
  readonly view: Region;
  /** struct bpf_tcp_sock. */
  readonly tcp: Region;
  readonly #sockets: Sockets;
  constructor(id: number, spec: SocketSpec, sockets: Sockets) {
    this.id = id;
    this.cookie = BigInt(id);
    this.uid = spec.uid ?? 0;
    this.cgroupId = spec.cgroupId ?? 1n;
    this.#sockets = sockets;
    const { memory } = sockets.store;
    this.view = memory.alloc("object", `struct bpf_sock (socket ${id})`, SOCK_BYTES, { owner: this });
    this.tcp = memory.alloc("object", `struct bpf_tcp_sock (socket ${id})`, TCP_BYTES, { owner: this });
    this.#set(OFF.device, spec.device ?? 0);
    this.#set(OFF.family, spec.family ?? AF_INET);
    this.#set(OFF.type, spec.type ?? SOCK_STREAM);
    this.#set(OFF.protocol, spec.protocol ?? (spec.type === SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP));
    this.#set(OFF.mark, spec.mark ?? 0);
    this.#set(OFF.priority, spec.priority ?? 0);
    this.#set(OFF.port, spec.localPort ?? 0);
    memory.view.setUint16(this.view.start + OFF.dport, spec.remotePort ?? 0, false);
    this.#set(OFF.state, spec.state ?? TCP_CLOSE);
    this.#set(OFF.rxq, -1);
    this.#address(OFF.ip4, OFF.ip6, spec.local);
    this.#address(OFF.dip4, OFF.dip6, spec.remote);
    for (const [off, initial] of Object.values(TCP_FIELDS)) memory.view.setUint32(this.tcp.start + off, initial, true);
  }
  #get(off: number): number {
    return this.#sockets.store.memory.view.getUint32(this.view.start + off, true);
  }
  #set(off: number, value: number): void {
    this.#sockets.store.memory.view.setUint32(this.view.start + off, value >>> 0, true);
    this.#sockets.store.memory.markDirty(this.view.start, SOCK_BYTES);
  }
  #address(ip4: number, ip6: number, bytes: Uint8Array | undefined): void {
    if (bytes) this.#sockets.store.memory.write(this.view.start + (bytes.length === 4 ? ip4 : ip6), bytes.subarray(0, 16));
  }
  get family(): number {
    return this.#get(OFF.family);
  }
  get type(): number {
    return this.#get(OFF.type);
  }
  get protocol(): number {
    return this.#get(OFF.protocol);
  }
  get state(): number {
    return this.#get(OFF.state);
  }
  set state(value: number) {
    this.#set(OFF.state, value);
  }
  get mark(): number {
    return this.#get(OFF.mark);
  }
  set mark(value: number) {
    this.#set(OFF.mark, value);
  }
  get priority(): number {
    return this.#get(OFF.priority);
  }
  set priority(value: number) {
    this.#set(OFF.priority, value);
  }
  get device(): number {
    return this.#get(OFF.device);
  }
  set device(value: number) {
    this.#set(OFF.device, value);
  }
  get localPort(): number {
    return this.#get(OFF.port);
  }
  set localPort(value: number) {
    this.#set(OFF.port, value);
  }
  get remotePort(): number {
    return this.#sockets.store.memory.view.getUint16(this.view.start + OFF.dport, false);
  }
  get isTcp(): boolean {
    return this.protocol === IPPROTO_TCP && this.type === SOCK_STREAM;
  }
  /** Not a request or time-wait socket (sk_fullsock). */
  get isFull(): boolean {
    return this.state !== TCP_TIME_WAIT && this.state !== TCP_NEW_SYN_RECV;
  }
  local(length: number): Uint8Array {
    return this.#sockets.store.memory.read(this.view.start + (length === 4 ? OFF.ip4 : OFF.ip6), length);
  }
  remote(length: number): Uint8Array {
    return this.#sockets.store.memory.read(this.view.start + (length === 4 ? OFF.dip4 : OFF.dip6), length);
  }
  /** Makes it a fresh socket with other addresses. */
  readdress(family: number, local: Uint8Array, remote: Uint8Array): void {
    this.#sockets.store.memory.write(this.view.start + OFF.ip4, new Uint8Array(20));
    this.#sockets.store.memory.write(this.view.start + OFF.dip4, new Uint8Array(20));
    this.#set(OFF.family, family);
    this.mark = this.priority = 0;
    this.#address(OFF.ip4, OFF.ip6, local);
    this.#address(OFF.dip4, OFF.dip6, remote);
  }
  bindTo(address: Uint8Array, port: number): void {
    this.#address(OFF.ip4, OFF.ip6, address);
    this.localPort = port;
  }
  tcpField(name: keyof typeof TCP_FIELDS & string): number {
    return this.#sockets.store.memory.view.getUint32(this.tcp.start + TCP_FIELDS[name]![0], true);
  }
  setTcpField(name: keyof typeof TCP_FIELDS & string, value: number): void {
    const at = this.tcp.start + TCP_FIELDS[name]![0];
    this.#sockets.store.memory.view.setUint32(at, value >>> 0, true);
    this.#sockets.store.memory.markDirty(at, 4);
  }
  get facts(): SocketFacts {
    return this.#sockets.facts(this);
  }
  change(change: Partial<SocketFacts>): void {
    this.#sockets.change(this, change);
  }
}

interface State {
  readonly list: readonly SimSocket[];
  readonly facts: ReadonlyMap<number, SocketFacts>;
  readonly kernel: ReadonlyMap<string, Region>;
  readonly next: number;
  readonly detached: SimSocket | undefined;
}

export class Sockets implements KernelPart {
  readonly store: ObjectStore;
  #list: readonly SimSocket[] = [];
  #facts: ReadonlyMap<number, SocketFacts> = new Map();
  #kernel: ReadonlyMap<string, Region> = new Map();
  #next = 1;
  #detached: SimSocket | undefined;
  constructor(store: ObjectStore) {
    this.store = store;
  }
  add(spec: SocketSpec): SimSocket {
    const socket = new SimSocket(this.#next++, spec, this);
    this.#list = [...this.#list, socket];
    this.#facts = new Map(this.#facts).set(socket.id, FRESH);
    return socket;
  }
  /** A socket that no look-up finds, as a test run has one; the same each time, with these addresses. */
  detached(family: number, local: Uint8Array, remote: Uint8Array): SimSocket {
    this.#detached ??= new SimSocket(this.#next++, { family, type: 0, protocol: 0 }, this);
    this.#detached.readdress(family, local, remote);
    return this.#detached;
  }
  all(): readonly SimSocket[] {
    return this.#list;
  }
  /** Takes a socket out of what look-ups find; its memory stays for those who still hold it. */
  remove(socket: SimSocket): void {
    this.#list = this.#list.filter((s) => s !== socket);
  }
  /** Takes a socket out and gives its memory back. */
  drop(socket: SimSocket): void {
    this.remove(socket);
    const facts = new Map(this.#facts);
    facts.delete(socket.id);
    this.#facts = facts;
    const views = [...this.#kernel].filter(([key]) => key.startsWith(`${socket.id}/`));
    this.#kernel = new Map([...this.#kernel].filter(([key]) => !key.startsWith(`${socket.id}/`)));
    for (const region of [socket.view, socket.tcp, ...views.map(([, r]) => r)]) this.store.memory.free(region);
  }
  /** The socket that an offset of memory belongs to, by any of its views. */
  at(offset: number): SimSocket | undefined {
    const owner = this.store.memory.regionAt(offset)?.owner;
    return owner instanceof SimSocket ? owner : undefined;
  }
  facts(socket: SimSocket): SocketFacts {
    return this.#facts.get(socket.id) ?? FRESH;
  }
  change(socket: SimSocket, change: Partial<SocketFacts>): void {
    this.#facts = new Map(this.#facts).set(socket.id, { ...this.facts(socket), ...change });
  }
  /** The best socket for a packet from `remote` to `local`: a connected one, else one that listens or is bound, a given address before any. */
  find(tuple: { protocol: number; local: Uint8Array; remote: Uint8Array; localPort: number; remotePort: number }): SimSocket | undefined {
    const { length } = tuple.local;
    const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((x, i) => x === b[i]);
    const score = (s: SimSocket): number => {
      if (s.protocol !== tuple.protocol || s.family !== (length === 4 ? AF_INET : AF_INET6) || s.localPort !== tuple.localPort) return -1;
      const any = s.local(length).every((b) => b === 0);
      if (!any && !equal(s.local(length), tuple.local)) return -1;
      const connected = s.remotePort !== 0;
      if (connected && (s.remotePort !== tuple.remotePort || !equal(s.remote(length), tuple.remote))) return -1;
      if (!connected && tuple.protocol === IPPROTO_TCP && s.state !== TCP_LISTEN) return -1;
      return (connected ? 2 : 0) + (any ? 0 : 1);
    };
    return this.#list.reduce<SimSocket | undefined>((best, s) => (score(s) > (best ? score(best) : -1) ? s : best), undefined);
  }
  /** The socket as the kernel's `struct STRUCT`, with what a program may look at filled in anew. */
  kernelView(socket: SimSocket, struct: string): Region {
    const key = `${socket.id}/${struct}`;
    let region = this.#kernel.get(key);
    if (!region) {
      region = this.store.make(struct, { owner: socket });
      this.#kernel = new Map(this.#kernel).set(key, region);
    }
    return this.#fill(region, struct, socket);
  }
  #fill(region: Region, struct: string, s: SimSocket): Region {
    const { types } = this.store;
    const prefix = ["", "sk.", "inet.sk.", "inet_conn.icsk_inet.sk.", "tcp.inet_conn.icsk_inet.sk.", "udp.inet.sk."].find(
      (p) => types.slot(struct, `${p}__sk_common.skc_family`) !== undefined,
    );
    const base = prefix === undefined ? "" : `${prefix}__sk_common.`;
    const port = ((s.remotePort & 255) << 8) | (s.remotePort >> 8);
    const common: Record<string, MemberValue> = {
      skc_family: s.family,
      skc_state: s.state,
      skc_num: s.localPort,
      skc_dport: port,
      skc_daddr: s.remote(4),
      skc_rcv_saddr: s.local(4),
      skc_v6_daddr: s.remote(16),
      skc_v6_rcv_saddr: s.local(16),
      skc_bound_dev_if: s.device,
      "skc_cookie.counter": s.cookie,
    };
    this.store.fill(region, struct, Object.fromEntries(Object.entries(common).map(([k, v]) => [base + k, v])));
    const own = { sk_protocol: s.protocol, sk_type: s.type, sk_mark: s.mark, sk_priority: s.priority };
    this.store.fill(region, struct, Object.fromEntries(Object.entries(own).map(([k, v]) => [(prefix ?? "") + k, v])));
    const tcp = Object.fromEntries(Object.keys(TCP_FIELDS).map((name) => [name, s.tcpField(name)]));
    return this.store.fill(region, struct, tcp);
  }
  save(): State {
    return { list: this.#list, facts: this.#facts, kernel: this.#kernel, next: this.#next, detached: this.#detached };
  }
  restore(state: unknown): void {
    const s = state as State;
    this.#list = s.list;
    this.#facts = s.facts;
    this.#kernel = s.kernel;
    this.#next = s.next;
    this.#detached = s.detached;
  }
}
