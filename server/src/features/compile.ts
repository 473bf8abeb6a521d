// Compiling the text of an editor: the seam between server and toolchain. It chooses no flags and finds no compiler.
import type { InitializationOptions } from "../../protocol/index.ts";

/** A message of the compiler about the document itself; 1-based. Messages about other files stand on the line that includes them. */
export interface CompilerMessage {
  readonly line: number;
  readonly column: number;
  readonly severity: "error" | "warning" | "note";
  readonly message: string;
  /** Notes of the compiler and the includes that led to the place; files are absolute paths. */
  readonly notes: readonly { readonly file: string; readonly line: number; readonly column: number; readonly message: string }[];
}
export interface Compiled {
  /** The object, when there is one. */
  readonly object: Uint8Array | undefined;
  readonly diagnostics: readonly CompilerMessage[];
  /** Why there is none although the text may be right: no compiler, no trust. */
  readonly failure?: string | undefined;
}
/** Compiles `text` as the contents of `path`. */
export type Compile = (path: string, text: string, signal: AbortSignal) => Promise<Compiled>;
/** The same, with texts of other files (headers that are open and not saved) by absolute path. */
export type CompileWith = (path: string, text: string, signal: AbortSignal, others: ReadonlyMap<string, string>) => Promise<Compiled>;

/** A compiler that compiles nothing, for workspaces that are not trusted. */
export const untrusted: CompileWith = () =>
  Promise.resolve({
    object: undefined,
    diagnostics: [],
    failure: "This workspace is not trusted, so no compiler is run: C files are not verified. Objects and assembly are.",
  });

/** The compile function for these options; `others` is asked at each call for the texts that are open besides `path`. */
export function compiler(
  options: InitializationOptions,
  trusted: (options: InitializationOptions) => CompileWith,
  others: (path: string) => ReadonlyMap<string, string>,
): Compile {
  const compile = options.trusted === false ? untrusted : trusted(options);
  return (path, text, signal) => compile(path, text, signal, others(path));
}
