// The server's end of the verification thread: starts it, sends jobs, stops them. It restarts a thread that died.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Caps } from "../../../core/object/index.ts";
import type { Job, JobResults, Reply, Request, ThreadData } from "./messages.ts";

/** A job that was told to stop. */
export class JobCancelled extends Error {
  override readonly name = "JobCancelled";
}
/** A job that failed; `internal` says that the fault is ours. */
export class JobFailed extends Error {
  override readonly name = "JobFailed";
  readonly internal: boolean;
  constructor(message: string, internal: boolean) {
    super(message);
    this.internal = internal;
  }
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

function workerPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const bundled = join(here, "worker.js");
  return existsSync(bundled) ? bundled : join(here, "..", "..", "..", "dist", "worker.js");
}

export class VerifierThread {
  /** What loaders may do; for threads that are started from then on. */
  caps: Caps = "full";
  #worker: Worker | undefined;
  #next = 1;
  readonly #pending = new Map<number, Pending>();

  /** Runs one job. Rejects with {@link JobCancelled} or {@link JobFailed}. */
  run<K extends Job["kind"]>(job: Extract<Job, { kind: K }>, signal?: AbortSignal): Promise<JobResults[K]> {
    const id = this.#next++;
    const cancel = new SharedArrayBuffer(4);
    const stop = (): void => void Atomics.store(new Int32Array(cancel), 0, 1);
    if (signal?.aborted) return Promise.reject(new JobCancelled());
    signal?.addEventListener("abort", stop, { once: true });
    return new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const request: Request = { id, job, cancel };
      this.#start().postMessage(request);
    }).finally(() => signal?.removeEventListener("abort", stop)) as Promise<JobResults[K]>;
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(workerPath(), { workerData: { caps: this.caps } satisfies ThreadData });
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error) => this.#died(worker, error.message));
    worker.on("exit", (code) => this.#died(worker, `the verification thread ended with status ${code}`));
    worker.unref();
    this.#worker = worker;
    return worker;
  }
  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply.result);
    else pending?.reject(reply.cancelled ? new JobCancelled() : new JobFailed(reply.message, reply.internal));
  }
  #died(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const pending of this.#pending.values()) pending.reject(new JobFailed(why, true));
    this.#pending.clear();
  }
  /** Ends the thread; what it has not answered is cancelled. It does not wait until the thread is gone. */
  dispose(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const pending of this.#pending.values()) pending.reject(new JobCancelled());
    this.#pending.clear();
    void worker?.terminate();
  }
}
