// `npm test`: sets everything up, runs every check, and closes with `N passed, N failed, N skipped`. It stops at nothing but a failed set-up.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { npmPackages, root, systemPackages } from "./prepare.mjs";

const total = { passed: 0, failed: 0, skipped: 0 };
const cache = join(root, ".cache");
const bin = (name) => join(root, "node_modules", ".bin", name);

/** Runs one step that passes or fails as a whole. */
function step(name, command, args, env = {}) {
  const started = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  const ok = status === 0;
  total[ok ? "passed" : "failed"]++;
  console.log(`${ok ? "ok  " : "FAIL"} ${name} (${Math.round((Date.now() - started) / 1000)} s)`);
  return ok;
}

/** Runs vitest and adds its counts. */
function vitest(name, args, env = {}) {
  const report = join(cache, `vitest-${name.replaceAll(/\W+/g, "-")}.json`);
  rmSync(report, { force: true });
  const started = Date.now();
  const run = spawnSync(bin("vitest"), ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success, testResults } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    total.passed += numPassedTests;
    // A file that cannot even be loaded has no tests to count.
    const broken = testResults.filter((r) => r.status === "failed" && r.assertionResults.every((a) => a.status !== "failed")).length;
    total.failed += numFailedTests + broken + (success || numFailedTests + broken ? 0 : 1);
    total.skipped += numPendingTests + numTodoTests;
  } catch {
    total.failed++;
  }
  console.log(`${run.status === 0 ? "ok  " : "FAIL"} ${name} (${Math.round((Date.now() - started) / 1000)} s)`);
}

/** The kernel's selftests as objects, where their source and a clang are; what needs them is skipped otherwise. */
function corpus() {
  if (process.env.BEELINE_CORPUS === "0") return;
  spawnSync(process.execPath, ["scripts/selftest-corpus.mjs", "--all"], { cwd: root, stdio: "inherit" });
}

mkdirSync(cache, { recursive: true });
npmPackages();
for (const what of systemPackages()) console.log(`missing here, tests that need it are skipped: ${what}`);
if (step("build", process.execPath, ["scripts/build.mjs"])) {
  step("types", bin("tsc"), ["-b"]);
  step("lint", bin("eslint"), ["."]);
  step("format", bin("prettier"), ["--check", "--log-level", "warn", "."]);
  corpus();
  vitest("unit and integration", ["--exclude", "test/e2e/**"]);
  if (step("packaging", process.execPath, ["scripts/package.mjs"])) vitest("end to end", ["test/e2e"], { BEELINE_E2E: "1" });
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed ? 1 : 0;
