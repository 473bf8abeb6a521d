// Measures the product from outside and prints one table: verifier beside the kernel's figure, machine beside the kernel's JIT, answers of the language server and the debug adapter, start, memory, size.
//   npm run bench                       this checkout (dist/ must be built)
//   npm run bench -- --against REV      another revision beside it, built in a temporary worktree, measured in turn; ratios are REV's time over ours
//   npm run bench -- --quick            without the two long comparisons with the kernel (bench-verifier.mjs, bench-vm.mjs)
// It judges nothing. Times depend on the machine: read the ratios.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./bundle.mjs";

const args = process.argv.slice(2);
const ROUNDS = 5;
const against = args.includes("--against") ? args[args.indexOf("--against") + 1] : undefined;

/** A child that speaks with Content-Length frames. */
class Peer {
  constructor(command, argv) {
    this.child = spawn(command, argv, { stdio: ["pipe", "pipe", "ignore"] });
    this.rest = Buffer.alloc(0);
    this.waiting = [];
    this.child.stdout.on("data", (chunk) => this.take(chunk));
  }
  take(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n[^]*?\r\n\r\n|^Content-Length: (\d+)\r\n\r\n/.exec(this.rest.toString("latin1", 0, 256));
      if (!head) return;
      const size = Number(head[1] ?? head[2]);
      const start = this.rest.indexOf("\r\n\r\n") + 4;
      if (this.rest.length < start + size) return;
      const message = JSON.parse(this.rest.toString("utf8", start, start + size));
      this.rest = this.rest.subarray(start + size);
      this.waiting = this.waiting.filter(([wanted, done]) => !(wanted(message) && (done(message), true)));
    }
  }
  send(message) {
    const text = JSON.stringify(message);
    this.child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }
  /** Milliseconds until a message that `wanted` accepts. */
  time(message, wanted) {
    const start = performance.now();
    return new Promise((resolve) => {
      this.waiting.push([wanted, () => resolve(performance.now() - start)]);
      this.send(message);
    });
  }
  end() {
    this.child.kill();
  }
}
const least = async (rounds, once) => {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) best = Math.min(best, await once(i));
  return best;
};

async function languageServer(dir) {
  const peer = new Peer(process.execPath, [join(dir, "dist/cli.js"), "lsp", "--stdio"]);
  let id = 0;
  const request = (method, params) => ({ jsonrpc: "2.0", id: ++id, method, params });
  const answered = () => {
    const want = id;
    return (m) => m.id === want;
  };
  const text = readFileSync(join(root, "examples/xdp_bad_read.bpf.s"), "utf8");
  const init = await peer.time(request("initialize", { processId: null, rootUri: null, capabilities: {} }), (m) => m.id === 1);
  peer.send({ jsonrpc: "2.0", method: "initialized", params: {} });
  const published = (m) => m.method === "textDocument/publishDiagnostics";
  const uri = "file:///bench/a.bpf.s";
  const open = {
    jsonrpc: "2.0",
    method: "textDocument/didOpen",
    params: { textDocument: { uri, languageId: "bpf-asm", version: 1, text } },
  };
  const first = await peer.time(open, published);
  const edit = await least(ROUNDS, (i) =>
    peer.time(
      {
        jsonrpc: "2.0",
        method: "textDocument/didChange",
        params: { textDocument: { uri, version: i + 2 }, contentChanges: [{ text: `${text}\n# ${i}\n` }] },
      },
      published,
    ),
  );
  const hover = await least(20, () =>
    peer.time(request("textDocument/hover", { textDocument: { uri }, position: { line: 4, character: 6 } }), answered()),
  );
  peer.end();
  return {
    "language server: start": init,
    "first findings of a document": first,
    "findings after an edit (120 ms of pause included)": edit,
    hover,
  };
}

async function debugAdapter(dir) {
  const peer = new Peer(process.execPath, [join(dir, "dist/cli.js"), "dap"]);
  let seq = 0;
  const request = (command, args) => ({ seq: ++seq, type: "request", command, arguments: args });
  const stopped = (m) => m.type === "event" && m.event === "stopped";
  const init = await peer.time(request("initialize", { adapterID: "beeline" }), (m) => m.type === "response");
  const program = join(root, "examples/xdp_parse.bpf.o");
  peer.send(request("launch", { program, packet: `${"ff".repeat(12)}0800${"00".repeat(50)}`, stopOnEntry: true }));
  const entry = await peer.time(request("configurationDone", {}), stopped);
  const step = await least(10, () => peer.time(request("next", { threadId: 1, granularity: "instruction" }), stopped));
  peer.end();
  return { "debug adapter: start": init, "launch to the first stop": entry, "step of an instruction": step };
}

const runMs = (dir, argv) => {
  const start = performance.now();
  spawnSync(process.execPath, [join(dir, "dist/cli.js"), ...argv], { stdio: "ignore" });
  return performance.now() - start;
};
async function commandLine(dir) {
  const object = join(root, "examples/xdp_parse.bpf.o");
  const rss = `process.argv.splice(1, 0, ""); process.on("exit", () => console.error(process.resourceUsage().maxRSS)); require(${JSON.stringify(join(dir, "dist/cli.js"))})`;
  const memory = spawnSync(process.execPath, ["-e", rss, "verify", object], { encoding: "utf8" }).stderr.trim().split("\n").at(-1);
  return {
    "command line: one helper": await least(ROUNDS, () => runMs(dir, ["helpers", "bpf_map_lookup_elem"])),
    "verify an object": await least(ROUNDS, () => runMs(dir, ["verify", object])),
    "memory for that (MB)": Number(memory) / 1024,
  };
}
const size = (path) =>
  statSync(path).isDirectory() ? readdirSync(path).reduce((n, f) => n + size(join(path, f)), 0) : statSync(path).size;
const sizes = (dir) => ({ "size of dist (MB)": size(join(dir, "dist")) / 1e6 });

async function measure(dir) {
  return { ...(await commandLine(dir)), ...(await languageServer(dir)), ...(await debugAdapter(dir)), ...sizes(dir) };
}

/** Another revision, built in a temporary worktree. */
function checkout(rev) {
  const dir = join(mkdtempSync(join(tmpdir(), "beeline-bench-")), "tree");
  execFileSync("git", ["worktree", "add", "--detach", dir, rev], { cwd: root, stdio: "ignore" });
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: dir, stdio: "ignore" });
  return dir;
}
const remove = (dir) => {
  execFileSync("git", ["worktree", "remove", "--force", dir], { cwd: root, stdio: "ignore" });
  rmSync(join(dir, ".."), { recursive: true, force: true });
};

const rev = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
console.log(`${rev}, node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${process.platform} ${process.arch}\n`);
if (against) {
  const dir = checkout(against);
  try {
    const pairs = [];
    // In turn, so that what else the machine does meets both.
    for (let i = 0; i < 3; i++) pairs.push([await measure(root), await measure(dir)]);
    const best = (side, key) => Math.min(...pairs.map((p) => p[side][key]));
    console.log(`| ms, least of 3 | here | ${against} | ratio |\n|---|---:|---:|---:|`);
    for (const key of Object.keys(pairs[0][0]))
      console.log(`| ${key} | ${best(0, key).toFixed(1)} | ${best(1, key).toFixed(1)} | ${(best(1, key) / best(0, key)).toFixed(2)} |`);
  } finally {
    remove(dir);
  }
} else {
  console.log("| ms | least |\n|---|---:|");
  for (const [key, value] of Object.entries(await measure(root))) console.log(`| ${key} | ${value.toFixed(1)} |`);
  if (!args.includes("--quick"))
    for (const script of ["bench-verifier.mjs", "bench-vm.mjs"]) {
      const r = spawnSync(process.execPath, [join(root, "scripts", script)], { encoding: "utf8" });
      console.log(`\n${script}:\n${r.status === 0 ? r.stdout.trimEnd() : `not measured: ${(r.stderr || r.stdout).trim().split("\n")[0]}`}`);
    }
}
