// The command `beeline run` as a user calls it, on the objects that ship with the examples. It needs the build.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { pcapHeader } from "../../core/hardware/index.ts";
import { packetsOf } from "../hardware/captures.ts";
import { readFileSync } from "node:fs";

const root = resolve(import.meta.dirname, "../..");
const object = join(root, "examples/xdp_parse.bpf.o");
const dir = mkdtempSync(join(tmpdir(), "beeline-run-"));
afterAll(() => rmSync(dir, { recursive: true }));
const beeline = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(root, "dist/cli.js"), "run", ...args], { encoding: "utf8" });

const UDP = "ffffffffffff02000000000108004500002000010000401166ca0a0000010a00000230390035000c000064617461";
const ARP = `ffffffffffff0200000000010806${"00".repeat(28)}`;

const HOLE = `	.section xdp,"ax",@progbits
	.globl xdp_hole
	.type xdp_hole,@function
xdp_hole:
	*(u32 *)(r10 - 8) = 1
	r1 = *(u64 *)(r10 - 8)
	r0 = 2
	exit
	.size xdp_hole, .-xdp_hole
	.section license,"aw"
	.asciz "GPL"
`;
describe("beeline run", () => {
  it("gives verdict, packet and maps as JSON", () => {
    const { status, stdout } = beeline(object, "--program", "xdp_parse", "--packet", UDP, "--format", "json");
    expect(status).toBe(0);
    const row = JSON.parse(stdout) as { retval: number; verdict: string; data_out: string; maps: Record<string, Record<string, string>> };
    expect(row).toMatchObject({ retval: 2, verdict: "XDP_PASS", data_out: UDP, events: [] });
    expect(row.maps["verdicts"]!["00000000"]).toBe("0100000000000000");
  });
  it("keeps the maps from packet to packet of a capture, and writes the packets that come out", () => {
    const capture = join(dir, "in.pcap");
    const single = (hex: string): string => join(dir, `${hex.length}.pcap`);
    for (const hex of [UDP, ARP]) expect(beeline(object, "--packet", hex, "--pcap-out", single(hex)).status).toBe(0);
    const [a, b] = [readFileSync(single(UDP)), readFileSync(single(ARP))];
    writeFileSync(capture, Buffer.concat([a, a.subarray(24), b.subarray(24)]));
    const { stdout, status } = beeline(object, "--pcap", capture, "--format", "json", "--pcap-out", join(dir, "out.pcap"));
    expect(status).toBe(0);
    const counts = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { maps: Record<string, Record<string, string>> }).maps["verdicts"]!["00000000"]);
    expect(counts.slice(0, 2)).toEqual(["0100000000000000", "0200000000000000"]);
    expect(packetsOf(readFileSync(join(dir, "out.pcap"))).map((p) => Buffer.from(p).toString("hex"))).toEqual([UDP, UDP, ARP]);
  });
  it.each(["interpreter", "wasm"])("sums a capture up in one row: %s", (engine) => {
    const capture = join(dir, "in.pcap");
    const { stdout, status } = beeline(object, "--pcap", capture, "--summary", "--engine", engine, "--format", "json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      packets: 3,
      verdicts: { XDP_PASS: 2, XDP_DROP: 1 },
      maps: { verdicts: { "00000000": "0200000000000000", "01000000": "0100000000000000" } },
    });
  });
  describe("lets time pass", () => {
    const timer = join(root, "test/fixtures/timers/tick.bpf.o");
    const ticks = (line: string): number =>
      Number.parseInt((JSON.parse(line) as { maps: Record<string, Record<string, string>> }).maps["ticks"]!["00000000"]!.slice(0, 2), 16);
    /** A capture with a packet at each of some milliseconds. */
    const capture = (...ms: number[]): string => {
      const file = join(dir, "timed.pcap");
      const packet = Buffer.from(UDP, "hex");
      const record = (at: number): Buffer => {
        const head = Buffer.alloc(16);
        [1000 + Math.floor(at / 1000), (at % 1000) * 1000, packet.length, packet.length].forEach((n, i) => head.writeUInt32LE(n, 4 * i));
        return Buffer.concat([head, packet]);
      };
      writeFileSync(file, Buffer.concat([pcapHeader(), ...ms.map(record)]));
      return file;
    };
    it("between the packets of a capture, as it was captured", () => {
      const { stdout, status } = beeline(timer, "--pcap", capture(0, 3.5, 2, 1010.5), "--format", "json");
      expect(status).toBe(0);
      expect(stdout.trimEnd().split("\n").map(ticks)).toEqual([0, 3, 3, 1010 & 255]);
    });
    it.each(["interpreter", "wasm"])("in a summary, %s", (engine) => {
      const { stdout } = beeline(timer, "--pcap", capture(0, 3.5, 7.5), "--summary", "--engine", engine, "--format", "json");
      expect([JSON.parse(stdout) as object, ticks(stdout)]).toMatchObject([{ packets: 3, verdicts: { XDP_PASS: 3 } }, 7]);
    });
    it("after the last event, up to --until", () => {
      const at = (...more: string[]): number => ticks(beeline(timer, "--packet", UDP, "--format", "json", ...more).stdout);
      expect([at(), at("--until", "999999"), at("--until", "5500000")]).toEqual([0, 0, 5]);
      expect(beeline(timer, "--packet", UDP, "--until", "soon")).toMatchObject({ status: 2 });
      expect(beeline(timer, "--packet", UDP, "--seed", "-1")).toMatchObject({ status: 2 });
    });
    it("before an event that says when it happens", () => {
      const event = (text: string): { status: number | null; stdout: string; stderr: string } =>
        beeline(timer, "--packet", UDP, "--event", text, "--until", "2500000", "--format", "json");
      expect(ticks(event("xdp at_ns=2000000").stdout)).toBe(0);
      expect(event("xdp at_ns=later").stderr).toContain("at_ns=later is no number of nanoseconds");
    });
  });
  it("warns of reads of what the program never wrote, as text and as JSON", () => {
    const file = join(dir, "hole.s");
    writeFileSync(file, HOLE);
    const text = beeline(file, "--packet", UDP);
    expect(text).toMatchObject({ status: 0, stdout: expect.stringContaining("xdp_hole returned 2") as string });
    const message = "read of 8 bytes at fp-8 of frame 0: the byte at fp-4 was never written";
    expect(text.stderr).toBe(`beeline run: warning: xdp_hole: instruction 1: ${message}\n`);
    const { stdout, stderr } = beeline(file, "--packet", UDP, "--repeat", "3", "--format", "json");
    expect(stderr).toBe("");
    const told = { kind: "uninitialised-read", insnIdx: 1, program: "xdp_hole", region: "stack of frame 0", offset: -4, size: 8, message };
    expect((JSON.parse(stdout) as { warnings: unknown[] }).warnings).toEqual([told, told, told]);
    for (const engine of ["stoppable", "wasm"])
      expect(beeline(file, "--packet", UDP, "--engine", engine, "--format", "json").stdout).toContain('"warnings":[]');
  });
  it.each([
    [["--packet", "zz"], "neither hex digits"],
    [[], "give --packet HEX|FILE or --pcap FILE"],
    [["--packet", "0011"], "14 bytes"],
    [["--program", "nobody", "--packet", UDP], "there is no program 'nobody'; the object has xdp_parse"],
    [["--packet", UDP, "--repeat", "0"], "--repeat 0"],
    [["--packet", UDP, "--engine", "turbo"], "--engine turbo"],
  ])("says what is wrong with %j", (args, words) => {
    const { status, stderr } = beeline(object, ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(words);
  });
  it("does not run what the verifier rejects", () => {
    const { status, stderr } = beeline(join(root, "examples/xdp_null_check.bpf.o"), "--packet", UDP);
    expect(status).toBe(2);
    expect(stderr).toContain("R0 invalid mem access 'map_value_or_null'");
  });
});
