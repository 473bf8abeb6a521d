// Runs one program with an argument list: never through a shell, with bounded time and output, and stoppable. It interprets nothing.
import { spawn } from "node:child_process";

export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly input?: string | undefined;
  readonly timeoutMs: number;
  /** Bytes kept of each stream; more stops the program. */
  readonly maxOutput: number;
  readonly signal?: AbortSignal | undefined;
}
export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it did not run to its own end. */
  readonly stopped?: "timeout" | "output" | "cancelled" | "not-started" | undefined;
}

/** Never rejects: a program that can't be started gives `stopped: "not-started"`. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    if (options.signal?.aborted) return resolve({ status: null, stdout: "", stderr: "", stopped: "cancelled" });
    const child = spawn(command, args, { cwd: options.cwd, stdio: ["pipe", "pipe", "pipe"], shell: false, windowsHide: true });
    let stopped: RunResult["stopped"];
    const stop = (why: NonNullable<RunResult["stopped"]>): void => {
      stopped ??= why;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => stop("timeout"), options.timeoutMs);
    const cancel = (): void => stop("cancelled");
    options.signal?.addEventListener("abort", cancel, { once: true });
    const texts = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      let size = 0;
      stream.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > options.maxOutput) stop("output");
        else chunks.push(chunk);
      });
      return () => Buffer.concat(chunks).toString("utf8");
    });
    const finish = (status: number | null): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
      resolve({ status, stdout: texts[0]!(), stderr: texts[1]!(), stopped });
    };
    child.on("error", () => {
      stopped ??= "not-started";
      finish(null);
    });
    child.on("close", finish);
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}
