// The ground layer: branded numbers, byte access, faults and cancellation. It knows nothing of BPF.
export { bug, BugError } from "./bug.ts";
export { CodedError, type Location } from "./coded-error.ts";
export { ByteReader, utf8 } from "./byte-reader.ts";
export { type Brand, type InsnIdx, type BtfId, type OffBytes } from "./brand.ts";
export { type CancelToken, Cancelled, NEVER_CANCELLED } from "./cancellation.ts";
export { hexToBytes, bytesToHex } from "./hex.ts";
export { elfFile, FieldWriter, StringTable, utf8Bytes, type ElfFileOptions, type ElfFileSection } from "./elf-file.ts";
