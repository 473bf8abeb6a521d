// What the debug adapter asks of the process around it. Types only, so that the adapter itself runs anywhere.
import type { Btf } from "../../core/object/index.ts";

/** Given by the extension and by the command line. All paths are those of the launch configuration. */
export interface Host {
  /** Bytes of a file; throws with a message for the user. */
  readFile(path: string): Promise<Uint8Array>;
  /** Object file of a C source; absent where there is no compiler. Throws with the compiler's first error. */
  compile?(path: string): Promise<Uint8Array>;
  /** Types of the kernel, for events with structures and for CO-RE. */
  kernelBtf?(): Promise<Btf | undefined>;
}
