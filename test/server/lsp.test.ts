// The language server over a real connection: the built command line on stdio. It needs `npm run build` before; C needs clang.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from "vscode-languageserver-protocol/node";
import type {
  CompletionItem,
  CodeLens,
  Hover,
  PublishDiagnosticsParams,
  SignatureHelp,
  Location,
  DocumentSymbol,
} from "vscode-languageserver-protocol";
import { BUILD, DISASSEMBLY, LOG, OBJECT_SCHEME, STATUS, type BuildResult, type StatusParams } from "../../server/protocol/index.ts";

const root = resolve(import.meta.dirname, "..", "..");
const cli = join(root, "dist", "cli.js");
const clang = ["clang", "clang-19", "clang-20", "clang-18", "clang-17"].some((c) => spawnSync(c, ["--version"]).status === 0);
const example = (name: string): string => readFileSync(join(root, "examples", name), "utf8");

/** One server and what it has published. */
class Session {
  readonly connection: MessageConnection;
  readonly dir = mkdtempSync(join(tmpdir(), "beeline-lsp-"));
  readonly #process: ChildProcess;
  readonly #diagnostics = new Map<string, PublishDiagnosticsParams>();
  readonly #waiting: (() => void)[] = [];
  readonly states: StatusParams[] = [];

  constructor() {
    this.#process = spawn(process.execPath, [cli, "lsp", "--stdio"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: this.dir },
    });
    this.connection = createMessageConnection(
      new StreamMessageReader(this.#process.stdout!),
      new StreamMessageWriter(this.#process.stdin!),
    );
    this.connection.onNotification(
      "textDocument/publishDiagnostics",
      (d: PublishDiagnosticsParams) => void this.#diagnostics.set(d.uri, d),
    );
    this.connection.onNotification(STATUS, (s: StatusParams) => {
      this.states.push(s);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.connection.onRequest("workspace/codeLens/refresh", () => null);
    this.connection.listen();
  }
  async start(trusted = true, capabilities?: string): Promise<void> {
    await this.connection.sendRequest("initialize", {
      processId: null,
      rootUri: null,
      capabilities: { textDocument: { publishDiagnostics: { relatedInformation: true } } },
      initializationOptions: { trusted, capabilities },
    });
    await this.connection.sendNotification("initialized", {});
  }
  uri(name: string): string {
    return pathToFileURL(join(this.dir, name)).href;
  }
  async open(name: string, text: string, uri = this.uri(name)): Promise<PublishDiagnosticsParams> {
    if (uri.startsWith("file:") && !name.endsWith(".o")) writeFileSync(join(this.dir, name), text);
    const languageId = /\.[ch]$/.test(name) ? "c" : "bpf-asm";
    await this.connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId, version: 1, text } });
    return this.settled(uri);
  }
  async change(name: string, version: number, text: string): Promise<PublishDiagnosticsParams> {
    await this.connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: this.uri(name), version },
      contentChanges: [{ text }],
    });
    return this.settled(this.uri(name), version);
  }
  /** The diagnostics of a document once its work is over. */
  async settled(uri: string, version = 1): Promise<PublishDiagnosticsParams> {
    for (;;) {
      const last = this.states.findLast((s) => s.uri === uri);
      const found = this.#diagnostics.get(uri);
      if (last && last.state !== "working" && found && (found.version ?? 0) >= version) return found;
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }
  /** Until the next status of any document. */
  changed(): Promise<void> {
    return new Promise((wake) => this.#waiting.push(wake));
  }
  lenses(uri: string): Promise<CodeLens[]> {
    return this.connection.sendRequest("textDocument/codeLens", { textDocument: { uri } });
  }
  async stop(): Promise<void> {
    const ended = new Promise<void>((done) => this.#process.on("exit", () => done()));
    await this.connection.sendRequest("shutdown");
    await this.connection.sendNotification("exit");
    this.#process.stdin!.end();
    await ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

describe.skipIf(!existsSync(cli))("the language server", () => {
  let session: Session;
  beforeAll(async () => {
    session = new Session();
    await session.start();
  });
  afterAll(() => session.stop());
  const at = (uri: string, line: number, character: number) => ({ textDocument: { uri }, position: { line, character } });

  describe.skipIf(!clang)("on C", () => {
    it("puts the verifier's words under the line, and takes them away when it is right", async () => {
      const text = example("xdp_null_check.bpf.c");
      const bad = await session.open("a.bpf.c", text);
      const line = text.split("\n").indexOf("\t*packets += 1;");
      expect(bad.diagnostics).toMatchObject([
        {
          range: { start: { line, character: 1 } },
          severity: 1,
          source: "beeline",
          message: expect.stringMatching(/^R0 invalid mem access 'map_value_or_null'\n/) as string,
        },
      ]);
      expect((await session.lenses(session.uri("a.bpf.c")))[0].command!.title).toContain("rejected: R0 invalid mem access");
      const good = await session.change("a.bpf.c", 2, text.replace("\t*packets", "\tif (packets) *packets"));
      expect(good.diagnostics).toEqual([]);
      expect((await session.lenses(session.uri("a.bpf.c")))[0].command!.title).toMatch(/verified: \d+ instructions processed/);
      expect(await session.connection.sendRequest<string>(LOG, { uri: session.uri("a.bpf.c"), program: "xdp_count", level: 2 })).toMatch(
        /^processed \d+ insns/m,
      );
    });
    it("gives the compiler's message where code does not compile, and lives on", async () => {
      const { diagnostics } = await session.open(
        "b.bpf.c",
        '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int f(void *c) { return nothing; }\n',
      );
      expect(diagnostics).toMatchObject([
        { range: { start: { line: 2 } }, source: "clang", message: expect.stringContaining("undeclared identifier 'nothing'") as string },
      ]);
      const missing = await session.open("c.bpf.c", '#include "not_there.h"\nSEC("xdp") int f(void *c) { return 0; }\n');
      expect(missing.diagnostics).toMatchObject([
        { range: { start: { line: 0 } }, source: "clang", message: expect.stringContaining("'not_there.h' file not found") as string },
      ]);
    });
    it("compiles with the unsaved text of open headers, and anew when they change; notes are related information", async () => {
      const text =
        '#include "h.h"\n__attribute__((section("xdp"), used)) int f(void *c) { return ANSWER; }\nchar L[] __attribute__((section("license"), used)) = "GPL";\n';
      writeFileSync(join(session.dir, "h.h"), "#define ANSWER 1\n");
      expect((await session.open("h.bpf.c", `// SEC("xdp")\n${text}`)).diagnostics).toEqual([]);
      await session.open("h.h", "#define ANSWER 1\n");
      const before = session.states.filter((s) => s.uri === session.uri("h.bpf.c") && s.state !== "working").length;
      await session.change("h.h", 2, "int twice(int a);\nint twice(long a);\n#define ANSWER 2\n");
      const states = (): StatusParams[] => session.states.filter((s) => s.uri === session.uri("h.bpf.c") && s.state !== "working");
      while (states().at(-1)?.state !== "failed" || states().length === before) await session.changed();
      const { diagnostics } = await session.settled(session.uri("h.bpf.c"));
      expect(diagnostics).toMatchObject([
        {
          range: { start: { line: 1 } },
          message: expect.stringContaining("h.h:2: conflicting types for 'twice'") as string,
          relatedInformation: expect.arrayContaining([
            {
              location: { uri: session.uri("h.h"), range: expect.objectContaining({ start: { line: 0, character: 4 } }) as object },
              message: "previous declaration is here",
            },
          ]) as object,
        },
      ]);
    });
    it("builds objects for the debugger", async () => {
      await session.open("d.bpf.c", example("xdp_parse.bpf.c"));
      const built = await session.connection.sendRequest<BuildResult>(BUILD, { uri: session.uri("d.bpf.c") });
      expect(built.programs).toEqual([{ name: "xdp_parse", section: "xdp", type: "xdp" }]);
      expect(readFileSync(built.object!).subarray(0, 4).toString("latin1")).toBe("\x7fELF");
    });
  });

  it("knows helpers in C that does not compile, and marks those that the program may not call", async () => {
    const text =
      'SEC("xdp")\nint f(struct xdp_md *ctx) {\n  bpf_skb_load_bytes(ctx, 0, x, 4);\n  bpf_map_lookup_elem(&m, ;\n  bpf_map_up\n';
    const { diagnostics } = await session.open("e.bpf.c", text);
    const uri = session.uri("e.bpf.c");
    expect(diagnostics.find((d) => d.code === "helper-not-allowed")).toMatchObject({
      range: { start: { line: 2, character: 2 } },
      message: expect.stringContaining("program of type xdp cannot use helper bpf_skb_load_bytes#26") as string,
    });
    const hover = await session.connection.sendRequest<Hover>("textDocument/hover", at(uri, 3, 8));
    expect((hover.contents as { value: string }).value).toContain("void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)");
    const section = await session.connection.sendRequest<Hover>("textDocument/hover", at(uri, 0, 6));
    expect((section.contents as { value: string }).value).toMatch(/Program of type xdp[^]*XDP_PASS[^]*struct xdp_md[^]*`data_end`/);
    const items = await session.connection.sendRequest<CompletionItem[]>("textDocument/completion", at(uri, 4, 12));
    expect(items.map((i) => i.label)).toEqual(["bpf_map_update_elem"]);
    const help = await session.connection.sendRequest<SignatureHelp>("textDocument/signatureHelp", at(uri, 2, 26));
    expect(help).toMatchObject({ activeParameter: 1, signatures: [{ label: expect.stringContaining("bpf_skb_load_bytes(") as string }] });
  });

  it("verifies assembly, and finds its labels and helpers", async () => {
    const text = example("xdp_bad_read.bpf.s");
    const { diagnostics } = await session.open("f.bpf.s", text);
    const uri = session.uri("f.bpf.s");
    expect(diagnostics).toMatchObject([
      {
        range: { start: { line: 7, character: 1 }, end: { line: 7, character: 22 } },
        message: expect.stringMatching(/^invalid access to packet, off=12 size=1/) as string,
      },
    ]);
    expect((await session.change("f.bpf.s", 2, text.replace("(r2 + 12)", "(r2 + "))).diagnostics).toMatchObject([
      { range: { start: { line: 7 } }, code: "asm" },
    ]);
    expect((await session.change("f.bpf.s", 3, "f: r1 = 1\ncall 14\nif r0 == 0 goto out\nout: exit\n")).diagnostics).toBeDefined();
    expect(await session.connection.sendRequest<Location>("textDocument/definition", at(uri, 2, 17))).toMatchObject({
      range: { start: { line: 3, character: 0 } },
    });
    const hover = await session.connection.sendRequest<Hover>("textDocument/hover", at(uri, 1, 6));
    expect((hover.contents as { value: string }).value).toContain("bpf_get_current_pid_tgid");
    expect(
      (await session.connection.sendRequest<DocumentSymbol[]>("textDocument/documentSymbol", { textDocument: { uri } })).map((s) => s.name),
    ).toEqual(["f", "out"]);
  });

  it("shows objects as text with findings on their instructions", async () => {
    writeFileSync(join(session.dir, "g.bpf.o"), readFileSync(join(root, "examples", "xdp_null_check.bpf.o")));
    const uri = session.uri("g.bpf.o").replace(/^file:/, `${OBJECT_SCHEME}:`) + ".bpf-listing";
    const text = await session.connection.sendRequest<string>(DISASSEMBLY, { uri });
    expect(text).toContain("; *packets += 1; @ xdp_null_check.bpf.c:19");
    const { diagnostics } = await session.open("g.bpf.o", text, uri);
    expect(text.split("\n")[diagnostics[0].range.start.line]).toContain("r1 = *(u64 *)(r0 +0)");
  });

  it("answers for files that are no objects with one message", async () => {
    for (const [name, bytes] of [
      ["empty", ""],
      ["cut", "\x7fELF\x02\x01\x01"],
      ["text", "hello"],
    ]) {
      writeFileSync(join(session.dir, `${name}.o`), bytes, "latin1");
      const uri = session.uri(`${name}.o`).replace(/^file:/, `${OBJECT_SCHEME}:`) + ".bpf-listing";
      const { diagnostics } = await session.open(`${name}.o`, await session.connection.sendRequest<string>(DISASSEMBLY, { uri }), uri);
      expect(diagnostics.length, name).toBe(1);
    }
  });

  it("answers for a file of 100 MB with one message, and lives on", async () => {
    writeFileSync(join(session.dir, "huge.o"), "\x7fELF\x02\x01\x01", "latin1");
    truncateSync(join(session.dir, "huge.o"), 100 << 20);
    const uri = session.uri("huge.o").replace(/^file:/, `${OBJECT_SCHEME}:`) + ".bpf-listing";
    const { diagnostics } = await session.open("huge.o", await session.connection.sendRequest<string>(DISASSEMBLY, { uri }), uri);
    expect(diagnostics).toMatchObject([{ message: expect.stringContaining("symbol table") as string }]);
    expect((await session.open("after.bpf.s", "r0 = 0\nexit\n")).diagnostics).toEqual([]);
  });
});

it.skipIf(!existsSync(cli))("verifies for loaders without capabilities where the setting says so", async () => {
  const session = new Session();
  await session.start(true, "unprivileged");
  const text =
    '.section socket,"ax",@progbits\n.globl f\n.type f,@function\nf:\nr0 = 0\n.Lagain:\nr0 += 1\nif r0 < 4 goto .Lagain\nexit\n.size f, .-f\n';
  const { diagnostics } = await session.open("loop.bpf.s", text);
  expect(diagnostics).toMatchObject([{ message: expect.stringMatching(/^back-edge from insn 2 to 1/) as string }]);
  await session.stop();
});

it.skipIf(!existsSync(cli))("runs no compiler in a workspace that is not trusted", async () => {
  const session = new Session();
  await session.start(false);
  const { diagnostics } = await session.open("a.bpf.c", example("xdp_parse.bpf.c"));
  expect(diagnostics).toMatchObject([{ severity: 2, message: expect.stringContaining("not trusted") as string }]);
  await session.stop();
});
