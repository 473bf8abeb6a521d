// Verdicts as SARIF 2.1.0, for code hosts and editors that show it. It holds the shape, no judgement.
import type { VerifyRow } from "./verify.ts";

/** One run with a result for every program that was not accepted. */
export function sarif(rows: readonly VerifyRow[]): object {
  const results = rows
    .filter((r) => r.verdict !== "accept")
    .map((r) => ({
      ruleId: r.verdict === "reject" ? "verifier-rejects" : (r.reason ?? "no-verdict"),
      level: r.verdict === "reject" ? "error" : "note",
      message: { text: `${r.program}: ${r.verdict === "reject" ? r.error.join("; ") : (r.message ?? "")}` },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: (r.source?.file ?? r.object).replaceAll("\\", "/") },
            ...(r.source ? { region: { startLine: r.source.line, startColumn: Math.max(1, r.source.column) } } : {}),
          },
          logicalLocations: [{ name: r.program, kind: "function" }],
        },
      ],
    }));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "beeline", rules: [] } }, results }],
  };
}
