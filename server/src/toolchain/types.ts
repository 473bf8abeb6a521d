// Shapes that the toolchain hands out. It runs nothing.

export type Severity = "error" | "warning" | "note";

/** A place in a source file; lines and columns are 1-based, columns count bytes as clang does. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}
export interface CompileNote extends SourcePlace {
  readonly message: string;
}
/** One message of the compiler. */
export interface CompileDiagnostic extends SourcePlace {
  readonly severity: Severity;
  readonly message: string;
  /** `-Wunused-variable`, when clang names one. */
  readonly flag?: string | undefined;
  /** Notes that follow it, and the chain of includes that led to it. */
  readonly notes: readonly CompileNote[];
}

export interface ToolchainSettings {
  /** Path of clang; wins over any search. */
  readonly clangPath?: string | undefined;
  /** Flags added after all others. */
  readonly extraFlags?: readonly string[] | undefined;
  /** Folders searched for headers, before the system's. */
  readonly includePaths?: readonly string[] | undefined;
  /** Folders above which no build description is looked for. */
  readonly workspaceRoots?: readonly string[] | undefined;
  /** Folder of our own headers (assets/headers). */
  readonly headersDir?: string | undefined;
  /** Folder for made headers; made when missing. */
  readonly cacheDir?: string | undefined;
  /** Makes the text of `vmlinux.h` and a key of what it is made from; asked only when a program includes it and it is not found. */
  readonly vmlinux?: { readonly key: string; readonly text: () => string } | undefined;
  /** Milliseconds, default 20 000. */
  readonly timeoutMs?: number | undefined;
}

export interface CompileRequest {
  readonly file: string;
  /** Unsaved text of `file`. */
  readonly text?: string | undefined;
  /** Unsaved texts of other files (headers) by absolute path. */
  readonly overlays?: ReadonlyMap<string, string> | undefined;
  readonly settings: ToolchainSettings;
  readonly signal?: AbortSignal | undefined;
}
export type CompileResult =
  | {
      readonly ok: true;
      readonly object: Uint8Array;
      readonly diagnostics: readonly CompileDiagnostic[];
      readonly command: readonly string[];
    }
  | {
      readonly ok: false;
      readonly diagnostics: readonly CompileDiagnostic[];
      readonly missing?: "clang" | undefined;
      readonly cancelled?: boolean | undefined;
      readonly command: readonly string[];
    };
