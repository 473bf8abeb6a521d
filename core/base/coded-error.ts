// Faults of the input as values with a code, a place and advice. It never formats for a particular output.

/** Where an input is at fault: an offset in bytes for binary files, 1-based line and column for text. */
export interface Location {
  readonly file?: string;
  readonly offBytes?: number;
  readonly line?: number;
  readonly column?: number;
}

/** An input that cannot be used. `code` is stable (`elf-truncated`), `message` says what is wrong and what to do. */
export class CodedError extends Error {
  override readonly name = "CodedError";
  readonly code: string;
  readonly at: Location;
  constructor(code: string, message: string, at: Location = {}) {
    super(message);
    this.code = code;
    this.at = at;
  }
}
