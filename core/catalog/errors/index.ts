// Errors and flags as records: what helpers, kernel functions and operations on maps return, and when. Look-ups only.
import { HELPER_ERRORS } from "./helpers.ts";
import { KFUNC_ERRORS } from "./kfuncs.ts";
import { MAP_ERROR_REASONS, MAP_FLAGS, MAP_OPERATION_ERRORS } from "./map-types.ts";

/** A negative errno that a call may return. */
export interface ErrorRow {
  /** Its name: `ENOENT`. */
  readonly errno: string;
  readonly when: string;
}
/** An error of an operation of bpf(2) on a map; `take` is BPF_MAP_LOOKUP_AND_DELETE_ELEM, `next` BPF_MAP_GET_NEXT_KEY. */
export interface MapErrorRow extends ErrorRow {
  readonly operation: "lookup" | "update" | "delete" | "next" | "take" | "freeze";
}

const START = /(?:^|; )(E[A-Z0-9]+): /g;
/** Splits `ERRNO: when; ERRNO: when`; the same errno twice is one row. */
function rows(text: string): ErrorRow[] {
  const parts = text.split(START);
  const found = new Map<string, string[]>();
  for (let i = 1; i < parts.length; i += 2) found.set(parts[i]!, [...(found.get(parts[i]!) ?? []), parts[i + 1]!]);
  return [...found].map(([errno, when]) => ({ errno, when: when.join("; or ") }));
}

/** Errors of helper `name`, with or without `bpf_`; empty for one that does not fail. */
export const helperErrors = (name: string): readonly ErrorRow[] => rows(HELPER_ERRORS[name.replace(/^bpf_/, "")] ?? "");
/** Errors of kfunc `name`, as its result or in the structure that it fills; empty for one that does not fail or answers NULL without a reason. */
export const kfuncErrors = (name: string): readonly ErrorRow[] => rows(KFUNC_ERRORS[name] ?? "");
/** Names of the BPF_F_* flags that BPF_MAP_CREATE takes for a type of map. */
export const mapTypeFlags = (name: string): readonly string[] => (MAP_FLAGS[name] ?? "").split(" ").filter(Boolean);
/** Errors of the operations on a type of map. */
export const mapTypeErrors = (name: string): readonly MapErrorRow[] =>
  (MAP_OPERATION_ERRORS[name] ?? "").split("; ").flatMap((part) => {
    const [operation, ...errnos] = part.split(" ");
    return errnos.map((errno) => ({
      operation: operation as MapErrorRow["operation"],
      errno,
      when: MAP_ERROR_REASONS[`${operation} ${errno}`] ?? "",
    }));
  });
/** Names of everything that has errors, for tests of completeness. */
export const WITH_ERRORS = {
  helpers: Object.keys(HELPER_ERRORS),
  kfuncs: Object.keys(KFUNC_ERRORS),
  mapTypes: Object.keys(MAP_OPERATION_ERRORS),
  mapReasons: Object.keys(MAP_ERROR_REASONS),
} as const;
