// Compiles the program that asks the running kernel (test/kernel/ask.c). It asks nothing itself.
import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cache, root } from "./bundle.mjs";

/** `{ tool }`, the path of the compiled program, or `{ why }` there is none. */
export function kernelAsker() {
  mkdirSync(cache, { recursive: true });
  const tool = join(cache, "ask");
  const compiler = ["cc", "gcc", "clang-19", "clang"].find((c) => spawnSync(c, ["--version"], { stdio: "ignore" }).status === 0);
  if (process.platform !== "linux" || !compiler) return { why: "no C compiler for Linux" };
  const made = `${tool}.${process.pid}`;
  const { status, stderr } = spawnSync(compiler, ["-O1", "-o", made, join(root, "test/kernel/ask.c")], { encoding: "utf8" });
  // Another process may be running the one that is there.
  if (status === 0) renameSync(made, tool);
  return status === 0 ? { tool } : { why: `test/kernel/ask.c does not compile here: ${stderr.split("\n")[0]}` };
}
