// Reading of command-line options, the same for every command. It prints nothing.
import { parseArgs, type ParseArgsConfig } from "node:util";
import type { EngineName } from "../../../core/kernel/index.ts";

/** A wrong call of a command; the message says what is right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What {@link parseOptions} found. */
export type Parsed<T extends NonNullable<ParseArgsConfig["options"]>> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/** `parseArgs` of Node whose failures are {@link UsageError}s. Positional arguments are allowed. */
export function parseOptions<T extends NonNullable<ParseArgsConfig["options"]>>(args: string[], options: T): Parsed<T> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The value of `--format`, checked. */
export function formatOption(value: string | undefined, allowed: readonly string[]): string {
  const format = value ?? allowed[0]!;
  if (!allowed.includes(format)) throw new UsageError(`--format ${format}: it is one of ${allowed.join(", ")}`);
  return format;
}

const ENGINES: readonly EngineName[] = ["interpreter", "stoppable", "wasm"];
/** The engine that an option names; the interpreter when it is not given. Throws UsageError. */
export function engineOption(value: unknown): EngineName {
  if (value === undefined) return "interpreter";
  const found = ENGINES.find((e) => e === value);
  if (found) return found;
  throw new UsageError(`--engine ${String(value)}: it is one of ${ENGINES.join(", ")}`);
}
