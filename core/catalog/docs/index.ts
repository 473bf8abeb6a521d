// Descriptions of helpers in this project's own words. Texts only; who may call what stands elsewhere.
const ALL: Readonly<Record<string, string>> = {};

/** What helper `name` (without `bpf_`) does, in Markdown; empty when it is not described yet. */
export const helperDoc = (name: string): string => ALL[name] ?? "";
