// A packet as layers and fields: Ethernet, VLAN, ARP, IPv4, IPv6, TCP, UDP, ICMP. It only reads; a layer that is cut short is left out.

export interface PacketField {
  readonly name: string;
  readonly value: string;
  readonly off: number;
  readonly size: number;
}
export interface PacketLayer {
  readonly name: string;
  readonly off: number;
  readonly size: number;
  readonly fields: readonly PacketField[];
}

type Reader = (off: number, size: number) => number;
const dec = String;
const hex =
  (digits: number) =>
  (n: number): string =>
    `0x${n.toString(16).padStart(digits, "0")}`;
const ETHERTYPES: Readonly<Record<number, string>> = { 0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN", 0x88a8: "802.1ad" };
const PROTOCOLS: Readonly<Record<number, string>> = { 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };

/** Parses a frame (or from `network` on an IP packet) into layers, payload last. */
export function parseLayers(bytes: Uint8Array, startsAtNetwork = false): PacketLayer[] {
  const layers: PacketLayer[] = [];
  const u: Reader = (off, size) => {
    let n = 0;
    for (let i = 0; i < size; i++) n = n * 256 + (bytes[off + i] ?? 0);
    return n;
  };
  const text = (off: number, size: number, render: (b: Uint8Array) => string): string => render(bytes.subarray(off, off + size));
  const add = (name: string, off: number, size: number, fields: readonly (readonly [string, number, number, string])[]): boolean => {
    if (off + size > bytes.length) return false;
    layers.push({ name, off, size, fields: fields.map(([n, o, s, value]) => ({ name: n, off: off + o, size: s, value })) });
    return true;
  };
  let at = 0,
    next = startsAtNetwork ? ((bytes[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800) : 0;
  if (!startsAtNetwork) {
    const type = u(12, 2);
    if (
      !add("Ethernet", 0, 14, [
        ["destination", 0, 6, text(0, 6, mac)],
        ["source", 6, 6, text(6, 6, mac)],
        ["type", 12, 2, `${hex(4)(type)}${ETHERTYPES[type] ? ` (${ETHERTYPES[type]})` : ""}`],
      ])
    )
      return layers;
    [at, next] = [14, type];
    for (let i = 0; i < 2 && (next === 0x8100 || next === 0x88a8); i++) {
      const tci = u(at, 2);
      if (
        !add("VLAN", at, 4, [
          ["id", 0, 2, dec(tci & 0xfff)],
          ["priority", 0, 1, dec(tci >> 13)],
          ["type", 2, 2, hex(4)(u(at + 2, 2))],
        ])
      )
        return layers;
      next = u(at + 2, 2);
      at += 4;
    }
  }
  const transport = next === 0x0800 ? ipv4(at) : next === 0x86dd ? ipv6(at) : undefined;
  if (transport) at = transportLayer(transport.at, transport.protocol);
  else if (layers.length) at = layers.at(-1)!.off + layers.at(-1)!.size;
  if (at < bytes.length)
    add("Payload", at, bytes.length - at, [
      [
        "bytes",
        0,
        bytes.length - at,
        text(at, Math.min(64, bytes.length - at), (b) => [...b].map((x) => x.toString(16).padStart(2, "0")).join(" ")),
      ],
    ]);
  return layers;

  function ipv4(off: number): { at: number; protocol: number } | undefined {
    const length = (u(off, 1) & 15) * 4,
      protocol = u(off + 9, 1);
    const ok = add("IPv4", off, Math.max(20, length), [
      ["version", 0, 1, dec(u(off, 1) >> 4)],
      ["header length", 0, 1, dec(length)],
      ["tos", 1, 1, hex(2)(u(off + 1, 1))],
      ["total length", 2, 2, dec(u(off + 2, 2))],
      ["id", 4, 2, hex(4)(u(off + 4, 2))],
      ["flags and offset", 6, 2, hex(4)(u(off + 6, 2))],
      ["ttl", 8, 1, dec(u(off + 8, 1))],
      ["protocol", 9, 1, `${protocol}${PROTOCOLS[protocol] ? ` (${PROTOCOLS[protocol]})` : ""}`],
      ["checksum", 10, 2, hex(4)(u(off + 10, 2))],
      ["source", 12, 4, text(off + 12, 4, ip4)],
      ["destination", 16, 4, text(off + 16, 4, ip4)],
    ]);
    return ok ? { at: off + Math.max(20, length), protocol } : undefined;
  }
  function ipv6(off: number): { at: number; protocol: number } | undefined {
    const protocol = u(off + 6, 1);
    const ok = add("IPv6", off, 40, [
      ["version", 0, 1, dec(u(off, 1) >> 4)],
      ["payload length", 4, 2, dec(u(off + 4, 2))],
      ["next header", 6, 1, `${protocol}${PROTOCOLS[protocol] ? ` (${PROTOCOLS[protocol]})` : ""}`],
      ["hop limit", 7, 1, dec(u(off + 7, 1))],
      ["source", 8, 16, text(off + 8, 16, ip6)],
      ["destination", 24, 16, text(off + 24, 16, ip6)],
    ]);
    return ok ? { at: off + 40, protocol } : undefined;
  }
  function transportLayer(off: number, protocol: number): number {
    const ports: (readonly [string, number, number, string])[] = [
      ["source port", 0, 2, dec(u(off, 2))],
      ["destination port", 2, 2, dec(u(off + 2, 2))],
    ];
    if (protocol === 17 && add("UDP", off, 8, [...ports, ["length", 4, 2, dec(u(off + 4, 2))], ["checksum", 6, 2, hex(4)(u(off + 6, 2))]]))
      return off + 8;
    if (protocol === 6) {
      const size = Math.max(20, (u(off + 12, 1) >> 4) * 4);
      const ok = add("TCP", off, size, [
        ...ports,
        ["sequence", 4, 4, dec(u(off + 4, 4))],
        ["acknowledgement", 8, 4, dec(u(off + 8, 4))],
        ["header length", 12, 1, dec(size)],
        ["flags", 13, 1, flags(u(off + 13, 1))],
        ["window", 14, 2, dec(u(off + 14, 2))],
        ["checksum", 16, 2, hex(4)(u(off + 16, 2))],
      ]);
      if (ok) return off + size;
    }
    if (
      (protocol === 1 || protocol === 58) &&
      add(PROTOCOLS[protocol]!, off, 8, [
        ["type", 0, 1, dec(u(off, 1))],
        ["code", 1, 1, dec(u(off + 1, 1))],
        ["checksum", 2, 2, hex(4)(u(off + 2, 2))],
      ])
    )
      return off + 8;
    return off;
  }
}

const mac = (b: Uint8Array): string => [...b].map((x) => x.toString(16).padStart(2, "0")).join(":");
const ip4 = (b: Uint8Array): string => [...b].join(".");
const ip6 = (b: Uint8Array): string =>
  [0, 2, 4, 6, 8, 10, 12, 14].map((i) => (((b[i] ?? 0) << 8) | (b[i + 1] ?? 0)).toString(16)).join(":");
const flags = (n: number): string =>
  ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"].filter((_, i) => n & (1 << i)).join(" ") || "none";
