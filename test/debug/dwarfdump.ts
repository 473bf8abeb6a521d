// What llvm-dwarfdump says of the variables of an object: which have a place at an address. It reads DWARF through that tool only.
import { spawnSync } from "node:child_process";

interface Entry {
  readonly depth: number;
  readonly tag: string;
  readonly text: string;
}
interface Range {
  readonly from: number;
  readonly to: number;
}

/** The tool's name, when it is there. */
export const dwarfdump = ["llvm-dwarfdump-19", "llvm-dwarfdump"].find((tool) => spawnSync(tool, ["--version"]).status === 0);

/** Function and inlined functions around an address, outermost first, each with the names of the variables that have a place there. */
export function liveAt(file: string, tool = dwarfdump!): (address: number) => { name: string; live: string[] }[] {
  const text = spawnSync(tool, ["--debug-info", file], { maxBuffer: 1 << 28 }).stdout.toString();
  const entries = [...text.matchAll(/^0x[0-9a-f]+:( +)(DW_TAG_\w+|NULL)\n((?:.+\n)*)/gm)].map((m): Entry => ({
    depth: m[1]!.length,
    tag: m[2]!.replace("DW_TAG_", ""),
    text: m[3]!,
  }));
  const frames = (address: number, at: number): { name: string; live: string[] }[] => {
    const { depth, text } = entries[at]!;
    const frame = {
      name:
        /\("(\w+)"\)|"(\w+)"\)/
          .exec(attribute(text, "name") ?? attribute(text, "abstract_origin") ?? "")
          ?.slice(1)
          .find(Boolean) ?? "",
      live: [] as string[],
    };
    const inner: { name: string; live: string[] }[] = [];
    const walk = (from: number, level: number): void => {
      for (let i = from + 1; i < entries.length && entries[i]!.depth > level; i++) {
        const e = entries[i]!;
        if (e.depth !== level + 2) continue;
        if (e.tag === "variable" || e.tag === "formal_parameter") {
          if (hasPlace(e.text, address)) frame.live.push(nameOf(e.text));
        } else if (e.tag === "lexical_block" && covers(e.text, address)) walk(i, e.depth);
        else if (e.tag === "inlined_subroutine" && covers(e.text, address)) inner.push(...frames(address, i));
      }
    };
    walk(at, depth);
    return [{ ...frame, live: frame.live.sort() }, ...inner];
  };
  const functions = [...entries.keys()].filter((i) => entries[i]!.tag === "subprogram" && attribute(entries[i]!.text, "low_pc"));
  return (address) => {
    const at = functions.find((i) => covers(entries[i]!.text, address));
    return at === undefined ? [] : frames(address, at);
  };
}

const attribute = (text: string, name: string): string | undefined =>
  new RegExp(`DW_AT_${name}\\t(\\([^]*?\\))\\n(?= *DW_AT_|$)`).exec(text)?.[1];
const nameOf = (text: string): string => /"(.*)"/.exec(attribute(text, "name") ?? attribute(text, "abstract_origin") ?? "")?.[1] ?? "";
const listed = (text: string): Range[] =>
  [...text.matchAll(/\[(0x[0-9a-f]+), (0x[0-9a-f]+)\)/g)].map((m) => ({ from: Number(m[1]), to: Number(m[2]) }));
const inside = (ranges: readonly Range[], address: number): boolean => ranges.some((r) => address >= r.from && address < r.to);

function covers(text: string, address: number): boolean {
  const ranges = attribute(text, "ranges");
  if (ranges !== undefined) return inside(listed(ranges), address);
  const [low, high] = [attribute(text, "low_pc"), attribute(text, "high_pc")].map((a) => Number(/0x[0-9a-f]+/.exec(a ?? "")?.[0] ?? NaN));
  return address >= low! && address < high!;
}
function hasPlace(text: string, address: number): boolean {
  if (attribute(text, "const_value") !== undefined) return true;
  const location = attribute(text, "location");
  if (location === undefined) return false;
  // A list of DWARF 4 has no name in the text, only its ranges.
  const ranges = listed(location);
  return location.includes("loclist") || ranges.length > 0 ? inside(ranges, address) : true;
}
