// BPF objects inside the commands of the package xdp-tools (libbpf skeletons). It loads none of them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const EM_BPF = 247;
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
/** BPF objects that a program carries in its own file (libbpf skeletons), by `name@offset`. */
function embedded(name: string, file: Buffer): [string, Buffer][] {
  const out: [string, Buffer][] = [];
  for (let at = file.indexOf(MAGIC, 1); at > 0; at = file.indexOf(MAGIC, at + 4)) {
    if (file.readUInt16LE(at + 18) !== EM_BPF) continue;
    const end = at + Number(file.readBigUInt64LE(at + 40)) + 64 * file.readUInt16LE(at + 60);
    out.push([`${name}@${at.toString(16)}`, file.subarray(at, end)]);
  }
  return out;
}
/** Commands of the package xdp-tools. */
const TOOLS = ["xdp-bench", "xdp-filter", "xdp-loader", "xdp-monitor", "xdp-trafficgen", "xdpdump"];

/** All of them by `command@offset`, none where the package is not installed. */
export function embeddedObjects(): [string, Buffer][] {
  return TOOLS.map((tool) => [tool, join("/usr/sbin", tool)] as const)
    .filter(([, path]) => existsSync(path))
    .flatMap(([tool, path]) => embedded(tool, readFileSync(path)));
}
