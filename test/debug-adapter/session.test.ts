// The debug adapter as a process on stdio, spoken to as an editor does. Its answers are compared with what the programs do by hand.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { bundle, Client, DNS, example } from "./client.ts";

const source = { path: example("xdp_parse.bpf.c") };
const launch = { program: example("xdp_parse.bpf.o"), packet: DNS, stopOnEntry: true };
const BY_INSN = { granularity: "instruction" };

const HOLE = `	.section xdp,"ax",@progbits
	.globl xdp_hole
	.type xdp_hole,@function
xdp_hole:
	*(u32 *)(r10 - 8) = 1
	r1 = *(u64 *)(r10 - 8)
	r1 += r7
	r0 = 2
	exit
	.size xdp_hole, .-xdp_hole
	.section license,"aw"
	.asciz "GPL"
`;

let script: string;
let client: Client;
beforeAll(async () => {
  script = await bundle("debug-adapter/src/main.ts", "debug-adapter-test.js");
});
afterEach(() => client.kill());

/** A session that stands at the entry. */
async function atEntry(args: object = launch): Promise<Client> {
  client = Client.spawn(script);
  await client.launch(args);
  await client.send("configurationDone");
  expect((await client.stop()).reason).toBe("entry");
  return client;
}

describe("timers", () => {
  const program = join(import.meta.dirname, "../fixtures/timers/tick.bpf.o");
  it("run between events that say when they happen, and are not stopped in", async () => {
    client = Client.spawn(script);
    const c = client;
    const events = [0, 3_500_000, 2_000_000, 7_500_000].map((atNs) => ({ packet: DNS, atNs }));
    await c.launch({ program, events, stopOnEntry: true, stopAtHooks: ["xdp"] });
    await c.send("setFunctionBreakpoints", { breakpoints: [{ name: "tick" }] });
    await c.send("configurationDone");
    const ticks: string[] = [];
    for (let i = 0; i < events.length; i++) {
      expect(await c.stop()).toMatchObject({ reason: "function breakpoint", line: 32 });
      ticks.push(await c.evaluate("ticks[0]"));
      await c.send("continue", { threadId: 1 });
    }
    await c.event("terminated");
    expect(ticks).toEqual(["0", "3", "3", "7"]);
  });
  it("say what is wrong with a time", async () => {
    client = Client.spawn(script);
    await expect(client.launch({ program, events: [{ packet: DNS, atNs: -1 }] })).rejects.toThrow("atNs -1 is no number of nanoseconds");
  });
});
describe("an XDP program", () => {
  it("stops at the entry with registers, context, packet and maps", async () => {
    const c = await atEntry();
    const { stackFrames } = await c.send("stackTrace", { threadId: 1 });
    expect(stackFrames).toMatchObject([
      { name: "xdp_parse", line: 46, column: 33, source: { name: "xdp_parse.bpf.c", path: source.path } },
    ]);
    const registers = await c.scope("Registers");
    expect(registers["r1"].value).toMatch(/^0xffff8881[0-9a-f]{8} \(xdp_md\)$/);
    expect(registers["r10"].value).toMatch(/^0xffff8881[0-9a-f]{8} \(fp\+0 of frame 0\)$/);
    expect(registers["pc"].value).toBe("0");
    const context = await c.scope("Context");
    expect(context["data"].value).toMatch(/ \(packet\)$/);
    expect(context["data_end"].value).toMatch(/ \(packet\+46\)$/);
    const packet = await c.scope("Packet");
    expect(Object.keys(packet)).toEqual(["Ethernet", "IPv4", "UDP", "Payload"]);
    const ip = await c.children(packet["IPv4"].variablesReference);
    expect([ip["source"].value, ip["destination"].value, ip["protocol"].value]).toEqual(["10.0.0.1", "10.0.0.2", "17 (UDP)"]);
    expect((await c.children(packet["UDP"].variablesReference))["destination port"].value).toBe("53");
    const maps = await c.scope("Maps");
    expect(maps["verdicts"].value).toBe("array, 2 entries");
    const entries = await c.children(maps["verdicts"].variablesReference);
    expect(Object.values(entries).map((v) => `${v.name}=${v.value}`)).toEqual(["[0]=0", "[1]=0"]);
  });

  it("steps by line and by instruction, forward and back", async () => {
    const c = await atEntry();
    expect(await c.go("next")).toMatchObject({ reason: "step", line: 45 });
    for (const line of [31, 33]) expect(await c.go("stepIn")).toMatchObject({ reason: "step", line });
    await c.go("stepIn", BY_INSN);
    await c.go("stepIn", BY_INSN);
    const now = await c.scope("Registers");
    expect([now["pc"].value, now["r3"].value]).toEqual(["6", "0x8"]);
    expect(now["r2"].value).toMatch(/ \(packet\+46\)$/);
    await c.go("stepBack", BY_INSN);
    const before = await c.scope("Registers");
    expect(before["pc"].value).toBe("5");
    expect(before["r3"].value).toMatch(/ \(packet\+34\)$/);
    expect(await c.go("stepBack")).toMatchObject({ reason: "step", line: 33 });
    expect((await c.scope("Registers"))["pc"].value).toBe("4");
    expect(await c.go("reverseContinue")).toMatchObject({ line: 46 });
    expect((await c.scope("Registers"))["pc"].value).toBe("0");
  });

  it("warns when a run reads what it never wrote, once, whether it steps or runs", async () => {
    const dir = mkdtempSync(join(tmpdir(), "beeline-dap-"));
    const program = join(dir, "hole.s");
    writeFileSync(program, HOLE);
    try {
      const c = await atEntry({ program, packet: DNS, stopOnEntry: true });
      await c.go("next");
      expect(c.output("important")).toBe("");
      await c.go("next");
      const first = "xdp_hole: warning at instruction 1: read of 8 bytes at fp-8 of frame 0: the byte at fp-4 was never written\n";
      expect(c.output("important")).toBe(first);
      await c.go("stepBack");
      await c.go("next");
      expect(c.output("important")).toBe(first);
      await c.send("continue", { threadId: 1 });
      await c.event("terminated");
      expect(c.output("important")).toBe(`${first}xdp_hole: warning at instruction 2: r7 is read and was never written\n`);
      expect(c.output("console")).toBe("xdp_hole returned 2 (XDP_PASS)\n");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("shows locals of inlined functions and of their callers, and steps over and out of them", async () => {
    const c = await atEntry();
    expect((await c.scope("Locals"))["ctx"]).toMatchObject({
      type: "struct xdp_md *",
      value: expect.stringMatching(/^0xffff8881[0-9a-f]{8} \(xdp_md\)$/) as string,
    });
    expect((await c.scope("Locals"))["end"]).toMatchObject({ type: "void *", value: "<optimized out>", variablesReference: 0 });
    expect(await c.evaluate("ctx->rx_queue_index")).toBe("0");
    for (let i = 0; i < 3; i++) await c.go("stepIn");
    const { stackFrames } = await c.send("stackTrace", { threadId: 1 });
    expect(stackFrames).toMatchObject([
      { id: 0, name: "wanted", line: 33 },
      { id: 1, name: "xdp_parse", line: 48, source },
    ]);
    const inner = await c.scope("Locals");
    expect(Object.keys(inner)).toEqual(["data", "end", "ip", "eth", "udp"]);
    expect(inner["ip"]).toMatchObject({
      type: "struct iphdr *",
      value: expect.stringMatching(/\(packet\+14\)$/) as string,
    });
    const ip = await c.children((await c.children(inner["ip"].variablesReference))["*ip"].variablesReference);
    expect([ip["protocol"].value, ip["ihl"].value, ip["ttl"].value]).toEqual(["17 (0x11)", "5", "64 (0x40)"]);
    expect(await c.evaluate("ip->protocol == 17 && udp->dest == 0x3500")).toBe("1");
    const outer = await c.scope("Locals", 1);
    expect(outer["ctx"].value).toBe("<optimized out>");
    expect(outer["data"].value).toBe(inner["eth"].value);
    expect(await c.go("stepOut")).toMatchObject({ reason: "step", line: 48, frame: { name: "xdp_parse" } });
    expect(await c.go("stepIn")).toMatchObject({ line: 21, frame: { name: "count" } });
    expect(await c.evaluate("what")).toBe("0");
    expect(await c.go("stepIn")).toMatchObject({ line: 23 });
    expect((await c.scope("Locals"))["n"].value).toMatch(/\(value of map verdicts\)$/);
    expect(await c.evaluate("*n + 1")).toBe("1");
  });

  it("stops in an inlined function by its name, and sets a local that a register holds", async () => {
    client = Client.spawn(script);
    const c = client;
    await c.launch({ ...launch, stopOnEntry: false });
    const { breakpoints } = await c.send("setFunctionBreakpoints", { breakpoints: [{ name: "wanted" }] });
    expect(breakpoints).toEqual([{ verified: true }]);
    await c.send("configurationDone");
    expect(await c.stop()).toMatchObject({ reason: "breakpoint", frame: { name: "wanted" } });
    const { scopes } = await c.send("scopes", { frameId: 0 });
    const set = { variablesReference: scopes[0].variablesReference, name: "eth", value: "0" };
    expect(await c.send("setVariable", set)).toEqual({ value: "0x0" });
    expect((await c.scope("Locals"))["eth"].value).toBe("0x0");
    expect(await c.ask("setVariable", { ...set, name: "udp" })).toMatchObject({ success: false });
  });

  it("stops at lines, helpers and before a map entry changes, and gives the verdict", async () => {
    client = Client.spawn(script);
    const c = client;
    expect(await c.launch(launch)).toMatchObject({
      supportsStepBack: true,
      supportsDataBreakpoints: true,
      supportsDisassembleRequest: true,
    });
    const lines = await c.send("setBreakpoints", {
      source,
      breakpoints: [{ line: 39 }, { line: 49 }, { line: 35, condition: "r3 == 6" }, { line: 99 }],
    });
    expect(lines.breakpoints).toMatchObject([
      { verified: true, line: 39 },
      { verified: true, line: 50 },
      { verified: true, line: 35 },
      { verified: false },
    ]);
    const functions = await c.send("setFunctionBreakpoints", {
      breakpoints: [{ name: "helper:bpf_map_lookup_elem" }, { name: "xdp" }, { name: "nonsense" }],
    });
    expect(functions.breakpoints).toMatchObject([
      { verified: true },
      { verified: true },
      { verified: false, message: "there is no function or hook nonsense" },
    ]);
    await c.send("configurationDone");
    expect(await c.stop()).toMatchObject({ reason: "function breakpoint", text: "at hook xdp", line: 46 });
    expect(await c.go("continue")).toMatchObject({ reason: "breakpoint", line: 39 });
    const call = await c.go("continue");
    expect(call).toMatchObject({ reason: "breakpoint", line: 21 });
    const { dataId, description } = await c.send("dataBreakpointInfo", { name: "verdicts[0]" });
    expect(description).toBe("verdicts[0] is about to change");
    expect(await c.send("setDataBreakpoints", { breakpoints: [{ dataId }] })).toEqual({ breakpoints: [{ verified: true }] });
    expect(await c.go("continue")).toMatchObject({ reason: "data breakpoint", text: "verdicts[0] is about to be written", line: 24 });
    expect(await c.evaluate("verdicts[0]")).toBe("0");
    expect(await c.go("continue")).toMatchObject({ reason: "breakpoint", line: 50 });
    expect(await c.evaluate("verdicts[0]")).toBe("1");
    expect(await c.evaluate("verdicts[0] + 41")).toBe("42 (0x2a)");
    await c.send("continue", { threadId: 1 });
    expect(await c.event("exited")).toEqual({ exitCode: 0 });
    await c.event("terminated");
    expect(c.output("console")).toBe("xdp_parse returned 2 (XDP_PASS)\n");
    expect(c.output("stderr")).toBe("");
    for (const command of ["next", "continue", "stepBack"]) {
      expect(await c.ask(command, { threadId: 1 })).toMatchObject({
        success: false,
        message: expect.stringContaining("not stopped") as string,
      });
    }
    await c.send("disconnect");
    expect(await c.exit).toBe(0);
  });

  it("disassembles with the names of maps and helpers and reads memory", async () => {
    const c = await atEntry();
    const { frame } = await c.go("stepIn", BY_INSN);
    const { instructions } = await c.send("disassemble", {
      memoryReference: frame.instructionPointerReference,
      instructionOffset: -2,
      instructionCount: 46,
    });
    expect(instructions[0].presentationHint).toBe("invalid");
    expect(instructions[1]).toMatchObject({
      instruction: "(61) r2 = *(u32 *)(r1 +4)",
      instructionBytes: "61 12 04 00 00 00 00 00",
      symbol: "xdp_parse",
      line: 46,
      location: source,
    });
    expect(instructions[26].instruction).toBe("(18) r1 = map[verdicts]");
    expect(instructions[28].instruction).toBe("(85) call bpf_map_lookup_elem#1");
    expect(instructions[45].instruction).toBe("(95) exit");
    const { memoryReference } = (await c.scope("Packet"))["UDP"];
    const memory = await c.send("readMemory", { memoryReference, count: 8 });
    expect(Buffer.from(memory.data, "base64").toString("hex")).toBe("30390035000c0000");
  });

  it("runs a changed packet to another verdict, and again after a restart", async () => {
    const c = await atEntry();
    const { memoryReference } = (await c.scope("Packet"))["UDP"];
    await c.send("writeMemory", { memoryReference, offset: 3, data: Buffer.from([54]).toString("base64") });
    await c.send("continue", { threadId: 1 });
    await c.event("terminated");
    expect(c.output("console")).toBe("xdp_parse returned 1 (XDP_DROP)\n");
    await c.send("restart");
    expect(await c.stop()).toMatchObject({ reason: "entry", line: 46 });
    await c.send("continue", { threadId: 1 });
    await c.event("terminated");
    expect(c.output("console")).toBe("xdp_parse returned 1 (XDP_DROP)\nxdp_parse returned 2 (XDP_PASS)\n");
  });
});

const KPROBE = `	.section	"kprobe/do_unlinkat","ax",@progbits
	.globl	count
	.type	count,@function
count:
	r6 = *(u64 *)(r1 + 112)
	call bpf_get_current_pid_tgid
	r0 >>= 32
	r0 += r6
	exit
	.size	count, . - count
	.section	license,"aw",@progbits
	.asciz	"GPL"
`;

it("a kprobe in assembly stops at its hook and sees arguments and task", async () => {
  const dir = mkdtempSync(join(tmpdir(), "beeline-dap-"));
  try {
    const program = join(dir, "count.s");
    writeFileSync(program, KPROBE);
    client = Client.spawn(script);
    const c = client;
    await c.launch({ program, stopOnEntry: false, event: "kprobe:do_unlinkat arg0=7 pid=1000" });
    await c.send("setFunctionBreakpoints", { breakpoints: [{ name: "kprobe:do_unlinkat" }] });
    await c.send("setBreakpoints", { source: { path: program }, breakpoints: [{ line: 8 }] });
    await c.send("configurationDone");
    expect(await c.stop()).toMatchObject({ reason: "function breakpoint", text: "at hook kprobe:do_unlinkat", line: 5 });
    expect((await c.scope("Context"))["di"].value).toBe("0x7");
    expect(await c.go("continue")).toMatchObject({ reason: "breakpoint", line: 8 });
    const registers = await c.scope("Registers");
    expect([registers["r0"].value, registers["r6"].value]).toEqual(["0x3e8 (1000)", "0x7"]);
    await c.send("continue", { threadId: 1 });
    await c.event("terminated");
    expect(c.output("console")).toContain("count returned 1007");
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe("a bad launch is answered with what is wrong", () => {
  const bad: [string, object, RegExp][] = [
    ["no program", {}, /'program' is missing/],
    ["a program that does not exist", { ...launch, program: "/nowhere/x.o" }, /^\/nowhere\/x\.o: no such file$/],
    ["a file that is no object", { ...launch, program: example("manifest.json") }, /ELF/],
    ["an unknown entry", { ...launch, entry: "nope" }, /there is no program nope: the object has xdp_parse/],
    ["a packet that is no hex", { ...launch, packet: "zz" }, /packet 'zz' is neither hex digits, two a byte, nor a file/],
    ["half a byte", { ...launch, packet: "abc" }, /packet 'abc' is neither hex digits/],
    ["a context that is no hex", { ...launch, ctx: "0g" }, /ctx '0g' is no hex digits/],
    ["an unknown map", { ...launch, maps: { nope: { 1: 1 } } }, /there is no map nope; the object has verdicts/],
    ["no events", { ...launch, events: [] }, /one event at least/],
    ["C without a compiler", { ...launch, program: example("xdp_parse.bpf.c") }, /there is no compiler here/],
  ];
  it.each(bad)("%s", async (_, args, message) => {
    client = Client.spawn(script);
    await client.send("initialize", { adapterID: "beeline" });
    const answer = await client.ask("launch", args);
    expect(answer.success).toBe(false);
    expect(answer.message).toMatch(message);
    await client.send("disconnect");
    expect(await client.exit).toBe(0);
  });
  it("a frame too short for the kernel ends the session as failed", async () => {
    client = Client.spawn(script);
    await client.launch({ ...launch, packet: "00112233" });
    await client.send("configurationDone");
    expect(await client.event("exited")).toEqual({ exitCode: 1 });
    expect(client.output("stderr")).toMatch(/refuses this packet.*14 bytes/);
  });
});
