// What the server and its verification thread say to each other. Types only.
import type { FileReport, Listing } from "../../../core/analysis/index.ts";
import type { Caps } from "../../../core/object/index.ts";

/** What the thread is told when it starts. */
export interface ThreadData {
  readonly caps: Caps;
}

/** Jobs; `file` names the document across calls. */
export type Job =
  | { readonly kind: "analyse"; readonly file: string; readonly bytes: Uint8Array }
  | { readonly kind: "log"; readonly file: string; readonly program: string; readonly level: number }
  | { readonly kind: "listing"; readonly file: string; readonly bytes: Uint8Array }
  | { readonly kind: "forget"; readonly file: string };

export interface JobResults {
  analyse: FileReport;
  log: string | null;
  listing: Listing;
  forget: null;
}

export interface Request {
  readonly id: number;
  readonly job: Job;
  /** One int32; not 0 means: stop. */
  readonly cancel: SharedArrayBuffer;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly cancelled: boolean; readonly internal: boolean; readonly message: string };
