// What the editor knows of a file's programs: loads, verifies, remembers. It keeps no files and knows no editor.
export { Analysis, type AnalysisEnv, type AnalysisOptions } from "./analysis.ts";
export type { FileReport, InsnPlace, KnowledgePlaces, MapReport, ProgramReport, SourceSpot } from "./report.ts";
export { programKey } from "./program-key.ts";
export { listObject, type Listing, type ListingLine } from "./listing.ts";
