// Requests and notifications of our own between client and server, as types and method names. It holds no code.

/** URI scheme of the text that stands for an object file: its instructions with their source lines. */
export const OBJECT_SCHEME = "beeline-object";

/** What the server is told when it starts. */
export interface InitializationOptions {
  /** Compiler for C; the toolchain finds one when empty. */
  readonly clang?: string;
  /** Folders searched for headers before the system's. */
  readonly includePaths?: readonly string[];
  /** Flags for clang after all others. */
  readonly flags?: readonly string[];
  /** What the loader of the programs may do (`full`, `noperfmon`, `bpf`, `unprivileged`); everything when it is none of these. */
  readonly capabilities?: string;
  /** Folders of the workspace. */
  readonly roots?: readonly string[];
  /** Whether programs of the workspace may be run (the compiler). False in a workspace that is not trusted. */
  readonly trusted?: boolean;
}

/** Verdict of one program as the status of a file shows it. */
export interface ProgramStatus {
  readonly name: string;
  readonly section: string;
  readonly type: string;
  readonly verdict: "accept" | "reject" | "error";
  readonly text: string;
  /** 0-based line in the document, -1 when it is not known. */
  readonly line: number;
}

/** Server to client: what is known of a file now. */
export const STATUS = "beeline/status";
export interface StatusParams {
  readonly uri: string;
  readonly state: "working" | "done" | "failed";
  readonly message?: string;
  readonly programs: readonly ProgramStatus[];
}

/** Client to server: the text of an object file (`uri` of scheme {@link OBJECT_SCHEME} or `file`). Answers a string. */
export const DISASSEMBLY = "beeline/disassembly";
export interface DisassemblyParams {
  readonly uri: string;
}

/** Client to server: the verifier's log of a program. Answers a string. */
export const LOG = "beeline/log";
export interface LogParams {
  readonly uri: string;
  readonly program: string;
  readonly level: number;
}

/** Client to server: builds the object of a C or assembly document for the debugger. */
export const BUILD = "beeline/build";
export interface BuildParams {
  readonly uri: string;
}
export interface BuildResult {
  /** The object file, in a directory of the server's own. */
  readonly object?: string;
  readonly error?: string;
  readonly programs: readonly { readonly name: string; readonly section: string; readonly type: string }[];
}
