// The little of WebAssembly's JavaScript interface that core uses; every host has it. It declares, it implements nothing.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: Record<string, unknown>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
}

/** Bytes of base64 text as characters 0 to 255: in every browser, worker and Node. */
declare function atob(text: string): string;
