// Segment routing: the packet after each change, byte by byte. The measured kernel has none of it compiled in.
import { describe, expect, it } from "vitest";
import { parseEvent, type SimKernel } from "../../core/kernel/index.ts";
import { BEGIN, END, fill, keep, OUT, stack, UDP6 } from "./cases/parts.ts";
import { kept, kernelWith, load, runOn } from "./simulate.ts";

const ETH = "02000000000102000000000286dd";
const SRH = "2904040101000000 fd000000000000000000000000000009 fd000000000000000000000000000008".replaceAll(" ", "");
const INNER = UDP6.slice(28);
const OUTER = `6000000000602b40fd000000000000000000000000000001fd000000000000000000000000000008`;
/** Outer IPv6, segments with 2 addresses, inner IPv6. */
const ROUTED = `${ETH}${OUTER}${SRH}${INNER}`;
const routed = (): SimKernel => {
  const kernel = kernelWith();
  kernel.objects.routes.add({ prefix: new Uint8Array(16), length: 0, ifindex: 1 });
  return kernel;
};
const run = (type: string, packet: string, text: string, kernel = routed()): { values: bigint[]; data: string; kernel: SimKernel } => {
  const program = load(kernel, { type, maps: [OUT] }, `${BEGIN}; ${text}; ${END}`);
  const { state } = runOn(kernel, program, parseEvent(`lwt packet=${packet}`), (s) => {
    s.skb!.hasSegments = type === "lwt_seg6local";
  });
  const { packet: after } = state.skb!;
  return { values: [0, 1, 2, 3].map((i) => kept(kernel, program, i)), data: Buffer.from(after.bytes()).toString("hex"), kernel };
};
const words = (hex: string): string[] =>
  Array.from(
    { length: hex.length / 16 },
    (_, i) =>
      `0x${Buffer.from(hex.slice(16 * i, 16 * i + 16), "hex")
        .readBigUInt64LE()
        .toString(16)}`,
  );
const push = (type: number): string =>
  `${fill(40, ...words(SRH))}; r1 = r7; r2 = ${type}; ${stack(3, 40)}; r4 = 40; call bpf_lwt_push_encap; ${keep(0)}`;

describe("segments", () => {
  it("go behind the packet's own header", () => {
    const { values, data } = run("lwt_in", UDP6, push(1));
    expect(values[0]).toBe(0n);
    const next = UDP6.slice(28 + 12, 28 + 14);
    expect(data.slice(0, 160)).toBe(
      `6000000000382b40${"fd000000000000000000000000000001"}${"fd000000000000000000000000000008"}${next}04040101000000${"fd000000000000000000000000000002"}${"fd000000000000000000000000000008"}`.slice(
        0,
        160,
      ),
    );
    expect(data.slice(160)).toBe(UDP6.slice(28 + 80));
  });
  it("go behind a new header", () => {
    const { values, data } = run("lwt_in", UDP6, push(0));
    expect(values[0]).toBe(0n);
    expect(data.slice(0, 80)).toBe(`6000000000602b40${"0".repeat(32)}${"fd000000000000000000000000000008"}`.slice(0, 80));
    expect(data.slice(80)).toBe(`29${SRH.slice(2)}${INNER}`);
  });
  it("may be written to in flags and TLVs only", () => {
    const store = (off: number, size: number): string =>
      `${fill(16, "0xaabbccdd", 0)}; r1 = r7; r2 = ${off}; ${stack(3, 16)}; r4 = ${size}; call bpf_lwt_seg6_store_bytes`;
    const { values, data } = run(
      "lwt_seg6local",
      ROUTED,
      `${store(45, 2)}; ${keep(0)}; ${store(48, 4)}; ${keep(1)}; ${store(44, 1)}; ${keep(2)}`,
    );
    expect(values.slice(0, 3)).toEqual([0n, -14n, -14n]);
    expect(data.slice(88, 96)).toBe("01ddcc00");
  });
  it("grow by TLVs", () => {
    const { values, data } = run(
      "lwt_seg6local",
      ROUTED,
      `r1 = r7; r2 = 80; r3 = 8; call bpf_lwt_seg6_adjust_srh; ${keep(0)}; r1 = r7; r2 = 60; r3 = 8; call bpf_lwt_seg6_adjust_srh; ${keep(1)}`,
    );
    expect(values.slice(0, 2)).toEqual([0n, -14n]);
    expect([data.slice(82, 84), data.slice(160, 176), data.slice(176)]).toEqual(["05", "0".repeat(16), INNER]);
  });
  it("are taken off with their header", () => {
    const { values, data } = run(
      "lwt_seg6local",
      ROUTED,
      `${fill(16, 254)}; r1 = r7; r2 = 7; ${stack(3, 16)}; r4 = 4; call bpf_lwt_seg6_action; ${keep(0)}; ${fill(16, 254)}; r1 = r7; r2 = 3; ${stack(3, 16)}; r4 = 4; call bpf_lwt_seg6_action; ${keep(1)}`,
    );
    expect([values.slice(0, 2), data]).toEqual([[0n, -74n], INNER]);
  });
  it("lead to the next hop", () => {
    const action = (n: number, size: number): string =>
      `${fill(16, "0xfd", "0x0700000000000000")}; r1 = r7; r2 = ${n}; ${stack(3, 16)}; r4 = ${size}; call bpf_lwt_seg6_action`;
    const { values, kernel } = run(
      "lwt_seg6local",
      ROUTED,
      `${action(2, 16)}; ${keep(0)}; ${action(2, 4)}; ${keep(1)}; ${action(99, 4)}; ${keep(2)}`,
    );
    expect(values.slice(0, 3)).toEqual([0n, -22n, -22n]);
    expect(kernel.run.redirect).toMatchObject({ ifindex: 1 });
    expect(run("lwt_seg6local", ROUTED, `${action(2, 16)}; ${keep(0)}`, kernelWith()).values[0]).toBe(-101n);
  });
});
