// The extension in a real VS Code in a real browser, by mouse and keyboard: what a newcomer does first. Runs only with BEELINE_E2E=1.
import { copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { missing, Workbench } from "./workbench.ts";

const root = resolve(import.meta.dirname, "..", "..");
const off = process.env["BEELINE_E2E"] !== "1" || missing() !== undefined;

describe.skipIf(off)("in the workbench", { timeout: 180000 }, () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await Workbench.open(join(root, "beeline.vsix"), join(root, "examples"));
  }, 600000);
  afterAll(async () => bench?.close());
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await bench.shot(`failed-${task.name.replace(/\W+/g, "-")}`);
    await bench.page.keyboard.press("Escape");
    await bench.page.keyboard.press("Shift+F5");
  });

  it("a missing NULL check stands under its line, and goes away when it is put in", async () => {
    const { page } = bench;
    await bench.openFile("xdp_null_check.bpf.c");
    await page.waitForSelector(".monaco-editor .squiggly-error");
    await page.locator(".codelens-decoration", { hasText: "rejected" }).waitFor();
    await page.keyboard.press("Control+Shift+M");
    await page.locator(".markers-panel .monaco-list-row", { hasText: "R0 invalid mem access 'map_value_or_null'" }).waitFor();
    await page
      .locator(".markers-panel .monaco-list-row", { hasText: "does not hold a pointer that the verifier lets programs follow" })
      .waitFor();
    await bench.shot("null-check");
    await bench.line("*packets += 1;").click();
    await page.keyboard.press("Home");
    await page.keyboard.type("if (packets) ");
    await page.locator(".codelens-decoration", { hasText: /verified: \d+ instructions processed/ }).waitFor();
    await page.waitForSelector(".monaco-editor .squiggly-error", { state: "detached" });
    await bench.shot("null-check-fixed");
  });

  it("the same for BPF assembly", async () => {
    const { page } = bench;
    await bench.openFile("xdp_bad_read.bpf.s");
    await page.locator(".codelens-decoration", { hasText: "rejected" }).waitFor();
    await page.locator(".markers-panel .monaco-list-row", { hasText: "invalid access to packet" }).first().waitFor();
    await bench.shot("assembly");
    await bench.line("r3 = *(u8 *)(r2 + 12)").click();
    await page.keyboard.press("End");
    await page.keyboard.press("Shift+Home");
    await page.keyboard.type("r3 = 0");
    await page.locator(".codelens-decoration", { hasText: /verified: \d+ instructions processed/ }).waitFor();
  });

  it("and for an object file", async () => {
    const { page } = bench;
    await bench.page.keyboard.press("Control+Shift+E");
    await page.locator(".explorer-folders-view .monaco-list-row", { hasText: "xdp_null_check.bpf.o" }).first().dblclick();
    await page.locator(".tabs-container .tab.active", { hasText: "bpf-listing" }).waitFor();
    await bench.line("; program xdp_count").waitFor();
    await page.locator(".codelens-decoration", { hasText: "rejected" }).waitFor();
    await page.waitForSelector(".monaco-editor .squiggly-error");
    await bench.shot("object");
  });

  it("a helper shows its signature, and one that the program may not call is marked", async () => {
    const { page } = bench;
    await bench.openFile("xdp_parse.bpf.c");
    await bench.goToText("xdp_parse.bpf.c", "bpf_map_lookup_elem");
    await bench.line("bpf_map_lookup_elem").getByText("bpf_map_lookup_elem").first().hover();
    await page.locator(".monaco-hover:visible", { hasText: "void *bpf_map_lookup_elem(struct bpf_map *map, const void *key)" }).waitFor();
    await bench.shot("hover");
    await page.keyboard.press("Escape");
    await bench.goToText("xdp_parse.bpf.c", "void *data = (void *)(long)ctx->data;");
    await page.keyboard.press("End");
    await page.keyboard.type("bpf_skb_load_by");
    await page.locator(".suggest-widget .monaco-list-row", { hasText: "bpf_skb_load_bytes" }).first().waitFor();
    await bench.shot("completion");
    await page.keyboard.press("Escape");
    await page.keyboard.type("tes(ctx, 0, data, 4);");
    await page.locator(".markers-panel .monaco-list-row", { hasText: "cannot use helper bpf_skb_load_bytes" }).first().waitFor();
    await bench.shot("refused-helper");
  });

  it("F5 stops a program on entry against a packet, steps it, and runs to a breakpoint and to the verdict", async () => {
    const { page } = bench;
    await bench.openFile("xdp_parse.bpf.c");
    await bench.command("File: Revert File");
    await bench.goToText("xdp_parse.bpf.c", "return XDP_PASS;");
    await page.keyboard.press("F9");
    await page.keyboard.press("F5");
    await page.waitForSelector(".debug-toolbar");
    await bench.stoppedAt("xdp_parse", /4[56]:/);
    await bench.local("end", /<optimized out>/).waitFor();
    await bench.collapse("Locals");
    await bench.expand("Registers");
    await bench.variable("r10").waitFor();
    await bench.shot("debug-registers");
    await bench.collapse("Registers");
    await bench.expand("Packet");
    await bench.shot("debug-entry");
    await bench.collapse("Packet");
    await page.keyboard.press("F10");
    await page.getByText("Paused on step").first().waitFor();
    await bench.stoppedAt("xdp_parse", /4[5-8]:/);
    await bench.expand("Locals");
    await bench.local("ctx", /0xffff8881[0-9a-f]{8} \(xdp_md\)/).waitFor();
    await page.keyboard.press("F11");
    await bench.stoppedAt("wanted", /3[1-5]:/);
    await bench.stoppedAt("xdp_parse", /48:/);
    await bench.local("ip", /0xffff8881[0-9a-f]{8} \(packet\+14\)/).click();
    await bench.shot("debug-locals");
    await page.keyboard.press("F5");
    await page.getByText("Paused on breakpoint").first().waitFor();
    await bench.stoppedAt("xdp_parse", /5[0-4]:/);
    await bench.shot("debug-breakpoint");
    await page.keyboard.press("F5");
    await page.waitForSelector(".debug-toolbar", { state: "hidden" });
  });

  it("stops at a hook, and when a map entry is about to change", async () => {
    const { page } = bench;
    await bench.openFile("xdp_parse.bpf.c");
    await bench.command("Remove All Breakpoints");
    await bench.start("XDP, stop at the hook");
    await bench.stoppedAt("xdp_parse", /4[56]:/);
    await bench.collapse("Locals");
    await bench.expand("Maps");
    await bench.variable("verdicts").click();
    await bench.variable("[0]").click({ button: "right" });
    await page.locator(".monaco-menu .action-item", { hasText: "Break on Value Change" }).waitFor();
    // It is the last item of the menu.
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.locator(".debug-breakpoints .monaco-list-row").first().waitFor();
    await page.keyboard.press("F5");
    await page.getByText("verdicts[0] is about to be written").first().waitFor();
    await bench.stoppedAt("count", /24:/);
    await bench.expand("Locals");
    await bench.local("n", /0xffff8881[0-9a-f]{8} \(value of map verdicts\)/).waitFor();
    await bench.shot("debug-map-change");
    await page.keyboard.press("Shift+F5");
    await page.waitForSelector(".debug-toolbar", { state: "hidden" });
  });

  it("F5 on a kprobe program runs it against a simulated call", async () => {
    const { page } = bench;
    await bench.openFile("kprobe_unlink.bpf.c");
    await bench.start("kprobe on do_unlinkat");
    await bench.stoppedAt("count_unlink", /\d+:/);
    await bench.local("ctx", /\(pt_regs\)/).waitFor();
    await bench.shot("debug-kprobe");
    await page.keyboard.press("F5");
    await page.waitForSelector(".debug-toolbar", { state: "hidden" });
  });
});

/** The pictures of the README are ones that this test made. */
afterAll(() => {
  if (process.env["BEELINE_SAVE_SHOTS"] !== "1") return;
  for (const [shot, doc] of [
    ["null-check", "null-check"],
    ["debug-map-change", "debug"],
  ])
    copyFileSync(join(root, ".cache", "shots", `${shot}.png`), join(root, "docs", `${doc}.png`));
});
it.skipIf(!off)("says why it did not run", () => {
  expect(process.env["BEELINE_E2E"] === "1" ? missing() : "BEELINE_E2E is not set").toBeTruthy();
});
