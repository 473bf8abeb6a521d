// The command dap: C through clang, a port for one client after the other, bad options. The session itself is tested beside it.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { bundle, Client, DNS, example } from "./client.ts";

const clang = ["clang", "clang-19", "clang-20", "clang-18", "clang-17"].some((c) => spawnSync(c, ["--version"]).status === 0);
let cli: string;
let client: Client | undefined;
beforeAll(async () => {
  cli = await bundle("server/src/cli/main.ts", "dap-test-cli.js");
});
afterEach(() => client?.kill());

describe.skipIf(!clang)("C sources", () => {
  it("are compiled: the kprobe example counts by process", async () => {
    const program = example("kprobe_unlink.bpf.c");
    client = Client.spawn(cli, "dap", "--stdio");
    const c = client;
    await c.launch({ program, stopOnEntry: true, event: "kprobe:do_unlinkat arg0=-100 arg1=0 pid=1234" });
    const found = await c.send("setFunctionBreakpoints", { breakpoints: [{ name: "helper:bpf_map_update_elem" }] });
    expect(found).toEqual({ breakpoints: [{ verified: true }] });
    await c.send("configurationDone");
    expect(await c.stop()).toMatchObject({ reason: "entry" });
    expect((await c.scope("Context"))["di"].value).toMatch(/^0xffffff9c|^0xffffffffffffff9c \(-100\)/);
    expect(await c.go("continue")).toMatchObject({ reason: "breakpoint", line: 23, frame: { source: { path: program } } });
    expect((await c.ask("evaluate", { expression: "removals[1234]", frameId: 0 })).message).toMatch(/no such key/);
    expect(await c.go("next")).toMatchObject({ reason: "step", line: 24 });
    expect(await c.evaluate("removals[1234]")).toBe("1");
    await c.send("continue", { threadId: 1 });
    await c.event("terminated");
    expect(c.output("console")).toBe("count_unlink returned 1\n");
    await c.send("disconnect");
    expect(await c.exit).toBe(0);
  });
  it("stop before a helper makes a watched entry", async () => {
    client = Client.spawn(cli, "dap");
    const c = client;
    await c.launch({ program: example("kprobe_unlink.bpf.c"), stopOnEntry: false, event: "kprobe:do_unlinkat arg0=3 pid=7" });
    const { dataId } = await c.send("dataBreakpointInfo", { name: "removals[7]" });
    await c.send("setDataBreakpoints", { breakpoints: [{ dataId }] });
    await c.send("configurationDone");
    expect(await c.stop()).toMatchObject({ reason: "data breakpoint", text: "removals[7] is about to be updated", line: 23 });
    expect((await c.scope("Maps"))["removals"].value).toBe("hash, 0 entries");
    await c.go("stepIn", { granularity: "instruction" });
    expect((await c.scope("Maps"))["removals"].value).toBe("hash, 1 entries");
    await c.send("continue", { threadId: 1 });
    await c.event("terminated");
    expect(c.output("console")).toBe("count_unlink returned 0\n");
  });
  it("that do not compile give the place and the compiler's message", async () => {
    const dir = mkdtempSync(join(tmpdir(), "beeline-dap-"));
    try {
      const program = join(dir, "bad.bpf.c");
      writeFileSync(program, "int ok;\nint f(void) { return nope; }\n");
      client = Client.spawn(cli, "dap");
      await client.send("initialize", { adapterID: "beeline" });
      expect((await client.ask("launch", { program })).message).toMatch(/bad\.bpf\.c:2:22: use of undeclared identifier 'nope'$/);
      expect((await client.ask("launch", { program: `${program}.c` })).message).toBe(`${program}.c: no such file`);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("--port", () => {
  let server: ChildProcess;
  afterEach(() => server.kill());
  it("serves one client after the other", async () => {
    server = spawn(process.execPath, [cli, "dap", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const said = await new Promise<string>((done) => server.stdout!.once("data", (d: Buffer) => done(d.toString())));
    const port = Number(/^listening on 127\.0\.0\.1:(\d+)\n$/.exec(said)![1]);
    const [first, second] = [Client.connect(port), Client.connect(port)];
    const ended: string[] = [];
    const whole = async (c: Client, name: string, packet: string): Promise<string> => {
      await c.launch({ program: example("xdp_parse.bpf.o"), packet });
      await c.send("configurationDone");
      await c.event("terminated");
      ended.push(name);
      await c.send("disconnect");
      await c.exit;
      return c.output("console");
    };
    const said2 = whole(second, "second", "00".repeat(60));
    expect(await whole(first, "first", DNS)).toBe("xdp_parse returned 2 (XDP_PASS)\n");
    expect(await said2).toBe("xdp_parse returned 1 (XDP_DROP)\n");
    expect(ended).toEqual(["first", "second"]);
  });
  it("in use is said", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => taken.once("listening", done));
    const { port } = taken.address() as AddressInfo;
    server = spawn(process.execPath, [cli, "dap", "--port", String(port)], { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    server.stderr!.on("data", (d: Buffer) => (errors += d.toString()));
    expect(await new Promise((done) => server.once("close", done))).toBe(2);
    expect(errors).toBe(`beeline dap: port ${port} is in use; choose another, or 0 for a free one\n`);
    taken.close();
  });
});

it.each([
  [["--port", "x"], /--port x: a port is a number/],
  [["--port", "70000"], /a port is a number/],
  [["--stdio", "--port", "1"], /exclude each other/],
  [["file.o"], /'file\.o' is not expected/],
  [["--nope"], /--nope/],
])("dap %j is refused", (args, message) => {
  const r = spawnSync(process.execPath, [cli, "dap", ...args], { encoding: "utf8" });
  expect(r.status).toBe(2);
  expect(r.stdout).toBe("");
  expect(r.stderr).toMatch(message);
});
