// Runs a command over many files in several threads: each thread runs the command line on some of the files. It verifies nothing itself.
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** What one thread wrote. */
export interface Written {
  readonly stdout: string;
  readonly stderr: string;
}

/** Files that a thread gets at a time, so that one large file does not leave the others waiting. */
const SHARES_A_JOB = 2;

/** Parts of `files` in order, as many as `jobs` threads keep busy. */
export function shares(files: readonly string[], jobs: number): string[][] {
  const size = Math.max(1, Math.ceil(files.length / (jobs * SHARES_A_JOB)));
  return Array.from({ length: Math.ceil(files.length / size) }, (_, i) => files.slice(i * size, (i + 1) * size));
}

/** Runs `beeline ARGS FILE...` for each share, `jobs` at a time; `each` gets what they wrote in the order of the files. */
export async function inThreads(
  args: readonly string[],
  files: readonly string[],
  jobs: number,
  each: (w: Written) => void,
): Promise<void> {
  const parts = shares(files, jobs);
  const done: (Written | undefined)[] = [];
  let next = 0;
  let told = 0;
  const work = async (): Promise<void> => {
    while (next < parts.length) {
      const n = next++;
      done[n] = await one([...args, ...parts[n]!]);
      for (; done[told]; told++) each(done[told]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, parts.length) }, work));
}

function one(argv: readonly string[]): Promise<Written> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { argv: [...argv], stdout: true, stderr: true });
    const text = { stdout: "", stderr: "" };
    worker.stdout.setEncoding("utf8").on("data", (s: string) => (text.stdout += s));
    worker.stderr.setEncoding("utf8").on("data", (s: string) => (text.stderr += s));
    worker.on("error", reject);
    worker.on("exit", () => resolve(text));
  });
}
