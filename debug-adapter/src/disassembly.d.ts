import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Runtime } from "./runtime.ts";
/** Offset in linear memory of a memory reference. Throws CodedError `bad-memory`. */
export declare function parseReference(text: string): number;
/** `instructionCount` instructions from the reference on; places outside the program are marked invalid. */
export declare function disassembleAt(runtime: Runtime, a: DebugProtocol.DisassembleArguments): DebugProtocol.DisassembledInstruction[];
