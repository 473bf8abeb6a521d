// The verification thread: answers jobs one after the other. It talks to no editor and reads one file, the bundled kernel types.
import { parentPort, workerData } from "node:worker_threads";
import { brotliDecompressSync } from "node:zlib";
import { Analysis, listObject } from "../../../core/analysis/index.ts";
import { BugError, Cancelled, CodedError, type CancelToken } from "../../../core/base/index.ts";
import { loadObject, openBtf, type Btf } from "../../../core/object/index.ts";
import { verify } from "../../../core/verifier/index.ts";
import { packedKernelTypes } from "../features/toolchain-paths.ts";
import type { Job, Reply, Request, ThreadData } from "./messages.ts";

/** The bundled types of Linux 6.18. */
function kernelTypes(): Btf {
  const packed = packedKernelTypes();
  if (!packed) throw new CodedError("no-kernel-types", "vmlinux.btf.br is missing beside the server: install the extension again");
  return openBtf(brotliDecompressSync(packed));
}

const kernelBtf = kernelTypes();
const { caps } = workerData as ThreadData;
const load = (bytes: Uint8Array, fileName: string) => loadObject(bytes, { kernelBtf, fileName, caps });
const analysis = new Analysis({ kernelBtf, load, verify });

function answer(job: Job, cancel: CancelToken): unknown {
  switch (job.kind) {
    case "analyse":
      return analysis.analyse(job.file, job.bytes, { cancel, caps });
    case "log":
      return analysis.log(job.file, job.program, job.level, { cancel, caps }) ?? null;
    case "listing":
      return listObject(load(job.bytes, job.file), kernelBtf);
    case "forget":
      analysis.forget(job.file);
      return null;
  }
}

parentPort!.on("message", ({ id, job, cancel }: Request) => {
  const flag = new Int32Array(cancel);
  const token: CancelToken = {
    get cancelled() {
      return Atomics.load(flag, 0) !== 0;
    },
  };
  let reply: Reply;
  try {
    if (token.cancelled) throw new Cancelled();
    reply = { id, ok: true, result: answer(job, token) };
  } catch (error) {
    const internal = error instanceof BugError || !(error instanceof CodedError || error instanceof Cancelled);
    reply = { id, ok: false, cancelled: error instanceof Cancelled, internal, message: (error as Error).message };
  }
  analysis.queries.length = 0;
  parentPort!.postMessage(reply);
});
