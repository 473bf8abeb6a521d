// Context access rules against what a running 6.18 kernel accepted. It needs no bpf(2): the answers are recorded.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  attachTypeByName,
  checkCtxAccess,
  checkSockAccess,
  ctxSize,
  directPacketAccess,
  progTypeByName,
  PROG_TYPE,
  returnRange,
} from "../../core/catalog/index.ts";

interface Facts {
  readonly probed: Record<string, [number, number][]>;
  readonly accepted: Record<string, Record<string, string>>;
}
const facts = JSON.parse(readFileSync(new URL("../fixtures/facts/context-access-6.18.json", import.meta.url), "utf8")) as Facts;

/** Register types as the verifier's log prints them. */
const LOG_NAMES: Record<string, string> = {
  SCALAR_VALUE: "scalar",
  PTR_TO_PACKET: "pkt",
  PTR_TO_PACKET_META: "pkt_meta",
  PTR_TO_PACKET_END: "pkt_end",
  PTR_TO_FLOW_KEYS: "flow_keys",
  PTR_TO_TP_BUFFER: "tp_buffer",
  PTR_TO_SOCKET: "sock",
  "PTR_TO_SOCKET | PTR_MAYBE_NULL": "sock_or_null",
  "PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL": "sock_common_or_null",
  "PTR_TO_BTF_ID | PTR_TRUSTED": "trusted_ptr_",
};

/** Our answer for one program type, direction and size in the form of the recording. */
function ours(column: string, direction: string, size: number, probed: [number, number][]): string {
  const [type, attach] = column.split(":");
  const runs: { from: number; to: number; reg: string }[] = [];
  for (const [from, to] of probed) {
    for (let off = from; off < to; off += size) {
      const expectedAttachType = attach ? attachTypeByName(attach)! : 0;
      const info = checkCtxAccess({ progType: progTypeByName(type)!, expectedAttachType, off, size, write: direction === "write" });
      if (!info) continue;
      const reg = direction === "write" ? "scalar" : LOG_NAMES[info.reg] + (info.btf ?? "");
      const last = runs.at(-1);
      if (last && last.reg === reg && last.to === off - size) last.to = off;
      else runs.push({ from: off, to: off, reg });
    }
  }
  return runs.map((r) => `${r.from}-${r.to}${r.reg === "scalar" ? "" : `:${r.reg}`}`).join(" ");
}

describe("context access equals the kernel's", () => {
  for (const [column, accepted] of Object.entries(facts.accepted)) {
    it(column, () => {
      const got = Object.fromEntries(
        Object.keys(accepted).map((key) => [key, ours(column, key.slice(0, -1), Number(key.at(-1)), facts.probed[column])]),
      );
      expect(got).toEqual(accepted);
    });
  }
  it("covers every program type whose context BTF does not describe", () => {
    const covered = new Set(Object.keys(facts.accepted).map((c) => c.split(":")[0]));
    const byBtf = new Set(["unspec", "tracing", "struct_ops", "ext", "lsm", "lirc_mode2"]);
    const missing = Object.keys(PROG_TYPE)
      .map((t) => t.toLowerCase())
      .filter((t) => !covered.has(t) && !byBtf.has(t));
    expect(missing).toEqual([]);
  });
});

describe("what surrounds the context", () => {
  it("refuses sign-extending loads of packet pointers", () => {
    const q = { progType: PROG_TYPE.XDP, expectedAttachType: 37, off: 0, size: 4, write: false };
    expect(checkCtxAccess(q)?.reg).toBe("PTR_TO_PACKET");
    expect(checkCtxAccess({ ...q, signExtend: true })).toBeUndefined();
  });
  it("reads sockets by their own rules", () => {
    expect(checkSockAccess("PTR_TO_SOCK_COMMON", 4, 4)).toBeDefined();
    expect(checkSockAccess("PTR_TO_SOCK_COMMON", 16, 4)).toBeUndefined();
    expect(checkSockAccess("PTR_TO_SOCKET", 16, 4)).toBeDefined();
    expect(checkSockAccess("PTR_TO_TCP_SOCK", 0, 8)).toBeUndefined();
  });
  it("knows sizes, packet access and return values", () => {
    expect(ctxSize(PROG_TYPE.XDP)).toBe(24);
    expect(ctxSize(PROG_TYPE.SYSCALL)).toBe(65535);
    expect(directPacketAccess(PROG_TYPE.CGROUP_SKB)).toEqual({ read: true, write: false });
    expect(directPacketAccess(PROG_TYPE.SOCKET_FILTER)).toEqual({ read: false, write: false });
    expect(returnRange(PROG_TYPE.CGROUP_SKB, 1)).toEqual({ min: 0, max: 3 });
    expect(returnRange(PROG_TYPE.XDP, 37)).toBeUndefined();
  });
});
