// What SECURITY.md promises, as far as the sources show it: who may start programs, who may open ports, what pages may load. It runs nothing of the product.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..", "..");
const text = (f: string): string => readFileSync(join(root, f), "utf8");
const shipped = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "core", "server", "client", "debug-adapter"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((f) => f.endsWith(".ts") && existsSync(join(root, f)));
const importing = (modules: string): string[] => shipped.filter((f) => new RegExp(`["'](node:)?(${modules})(/\\w+)?["']`).test(text(f)));

describe("the shipped sources", () => {
  it("start programs in one place, without a shell and with bounds", () => {
    expect(importing("child_process")).toEqual(["server/src/toolchain/run.ts"]);
    const run = text("server/src/toolchain/run.ts");
    expect(run.match(/\bspawn\(/g)).toHaveLength(1);
    expect(run).toMatch(/spawn\([^)]*shell: false/);
    expect(run).toMatch(/setTimeout\(\(\) => stop\("timeout"\), options\.timeoutMs\)/);
    expect(run).toMatch(/size > options\.maxOutput\) stop\("output"\)/);
  });
  it("open no connection; one command listens, on the loopback address", () => {
    expect(importing("net|http|https|http2|dgram|tls|dns")).toEqual(["server/src/cli/dap.ts"]);
    const dap = text("server/src/cli/dap.ts");
    expect(dap).toMatch(/import \{ createServer, type Server, type Socket \} from "node:net";/);
    expect(dap.match(/\.listen\(/g)).toHaveLength(1);
    expect(dap).toMatch(/server\.listen\(port, "127\.0\.0\.1"/);
    const calls = /\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)\s*\(/;
    expect(shipped.filter((f) => calls.test(text(f)))).toEqual([]);
  });
  it("evaluate no text and make pages that load nothing", () => {
    expect(shipped.filter((f) => /\beval\(|new Function\(/.test(text(f)))).toEqual([]);
    const pages = shipped.filter((f) => /webview\.html\s*=/.test(text(f)));
    expect(pages.filter((f) => !text(f).includes(`content="default-src 'none'"`))).toEqual([]);
    expect(shipped.filter((f) => /enableScripts:\s*true/.test(text(f)))).toEqual([]);
  });
});

it("a workspace that is not trusted chooses no compiler", () => {
  const { capabilities, contributes } = JSON.parse(text("package.json")) as {
    capabilities: { untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] } };
    contributes: { configuration: { properties: Record<string, { scope: string }> } };
  };
  expect(capabilities.untrustedWorkspaces.supported).toBe("limited");
  const settings = Object.keys(contributes.configuration.properties).filter((k) => k.startsWith("beeline.clang."));
  expect([...capabilities.untrustedWorkspaces.restrictedConfigurations].sort()).toEqual(settings.sort());
});

it("dependencies are pinned to one version each", () => {
  const { dependencies, devDependencies } = JSON.parse(text("package.json")) as Record<string, Record<string, string> | undefined>;
  expect(dependencies ?? {}).toEqual({});
  expect(Object.entries(devDependencies!).filter(([, v]) => !/^\d+\.\d+\.\d+$/.test(v))).toEqual([]);
});

it("THIRD-PARTY.md lists everything that the bundles hold", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/third-party.mjs"), "--check"], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});
