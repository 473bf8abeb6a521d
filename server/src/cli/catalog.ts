// The commands helpers, kfuncs, program-types and map-types: the catalog as rows. They hold no data of their own.
import {
  ATTACH_TYPE_DOCS,
  ATTACH_TYPE_NAMES,
  attachTypeSince,
  contextFields,
  MAP_TYPE_DOCS,
  PROGRAM_TYPE_DOCS,
  HELPERS,
  helperErrors,
  helperProgramTypes,
  kfuncErrors,
  KFUNCS,
  kfuncProgramTypes,
  MAP_TYPE_NAMES,
  mapTypeErrors,
  mapTypeFlags,
  mapTypeSince,
  PROG_TYPE_NAMES,
  progTypeSince,
  returnRange,
  type HelperRecord,
} from "../../../core/catalog/index.ts";
import { functionText } from "../../../core/object/index.ts";
import { NOT_SIMULATED, SIMULATED, verdictName } from "../../../core/kernel/index.ts";
import { readKernelTypes } from "./input.ts";
import { formatOption, parseOptions, UsageError } from "./usage.ts";

type Row = Readonly<Record<string, unknown>>;

/** A command that prints `rows`; with names as arguments, only theirs. */
function listing(rows: () => readonly Row[], text: (row: Row) => string) {
  const run = (args: string[]): Promise<number> => {
    const { values, positionals } = parseOptions(args, { format: { type: "string" } });
    const format = formatOption(values.format, ["text", "json"]);
    const all = rows();
    const chosen = positionals.length ? positionals.map((name) => find(all, name)) : all;
    process.stdout.write(chosen.map((row) => `${format === "json" ? JSON.stringify(row) : text(row)}\n`).join(""));
    return Promise.resolve(0);
  };
  return { run };
}

function find(rows: readonly Row[], name: string): Row {
  const row = rows.find((r) => r["name"] === name || r["name"] === `bpf_${name}`);
  if (!row) throw new UsageError(`there is no '${name}' here`);
  return row;
}

/** Whether the machine runs it, and if not, why. */
const simulated = (name: string): Row =>
  SIMULATED.has(name) ? { simulated: true } : { simulated: false, reason: NOT_SIMULATED[name] ?? "" };

const signature = (h: HelperRecord): string => `${h.returns} ${h.name}(${h.args.map((a) => `${a.ctype} ${a.name}`).join(", ")})`;

export const helpers = listing(
  () =>
    HELPERS.map((h) => ({
      id: h.id,
      name: h.name,
      returns: h.returns,
      args: h.args.map((a) => ({ name: a.name, type: a.ctype })),
      since: h.since,
      gpl_only: h.gplOnly,
      program_types: helperProgramTypes(h.id),
      errors: helperErrors(h.name),
      ...simulated(h.name),
      doc: h.doc,
    })),
  (row) => `${String(row["id"]).padStart(3)}  ${signature(HELPERS[(row["id"] as number) - 1]!)}  (since ${row["since"] as string})`,
);

export const kfuncs = listing(
  () => {
    const { btf } = readKernelTypes(undefined);
    return KFUNCS.map((k) => ({
      name: k.name,
      prototype: (btf && functionText(btf, k.name)) ?? "",
      since: k.since ?? null,
      // Only programs with a GPL-compatible licence may call kernel functions at all.
      gpl_only: true,
      flags: [...k.flags],
      program_types: kfuncProgramTypes(k.name),
      errors: kfuncErrors(k.name),
      ...simulated(k.name),
      doc: k.doc,
    }));
  },
  (row) =>
    `${(row["prototype"] || row["name"]) as string}  ${(row["flags"] as string[]).join(" ")}  (since ${String(row["since"] ?? "?")})`,
);

/** Names of results, where they have names. */
function returnCodes(progType: number): Record<string, number> {
  const named = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 128, 256].map((code): [string | undefined, number] => [
    verdictName(progType, code >>> 0),
    code,
  ]);
  return Object.fromEntries(named.filter(([name]) => name !== undefined));
}

export const programTypes = listing(
  () =>
    PROG_TYPE_NAMES.flatMap((name, id) => {
      if (id === 0) return [];
      const context = contextFields(id, 0);
      const range = returnRange(id, 0);
      return [
        {
          id,
          name,
          since: progTypeSince(id),
          context: context?.struct ?? null,
          context_fields: context?.fields.map(([field]) => field) ?? [],
          returns: range ? [range.min, range.max] : null,
          return_codes: returnCodes(id),
          doc: PROGRAM_TYPE_DOCS[name] ?? "",
        },
      ];
    }),
  (row) => `${String(row["id"]).padStart(3)}  ${(row["name"] as string).padEnd(24)} ${(row["context"] as string | null) ?? ""}`,
);

export const mapTypes = listing(
  () =>
    MAP_TYPE_NAMES.flatMap((name, id) =>
      id === 0
        ? []
        : [
            {
              id,
              name,
              since: mapTypeSince(id),
              flags: mapTypeFlags(name),
              errors: mapTypeErrors(name),
              ...simulated(name),
              doc: MAP_TYPE_DOCS[name] ?? "",
            },
          ],
    ),
  (row) => `${String(row["id"]).padStart(3)}  ${row["name"] as string}`,
);

export const attachTypes = listing(
  () => ATTACH_TYPE_NAMES.map((name, id) => ({ id, name, since: attachTypeSince(id), doc: ATTACH_TYPE_DOCS[name] ?? "" })),
  (row) => `${String(row["id"]).padStart(3)}  ${row["name"] as string}  (since ${row["since"] as string})`,
);
