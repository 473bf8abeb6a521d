// What a program uses that came after the kernel it is meant for: program, map and attach types, helpers, instructions. The state engine stays 6.18's whatever the version.
import {
  attachTypeSince,
  helperById,
  kfuncByName,
  MAP_TYPE_NAMES,
  mapTypeSince,
  PROG_TYPE_NAMES,
  progTypeSince,
} from "../../catalog/index.ts";
import type { Insn } from "../../isa/index.ts";
import * as op from "../../isa/index.ts";
import { EINVAL, Unsupported, type Env } from "../env.ts";

const MEMSX = 0x80;
const PSEUDO_BTF_ID = 3;
const PSEUDO_FUNC = 4;
const PSEUDO_KFUNC = 2;

/** `what` and the version that brought it, of an instruction that 5.4 did not have. */
function insnSince(insn: Insn): readonly [what: string, since: string] | undefined {
  const { code, src, off, imm } = insn;
  const cls = code & 7;
  const kind = code & 0xf0;
  if (cls === op.BPF_STX && (code & 0xe0) === 0xc0) {
    if (imm === 0x100 || imm === 0x110) return ["load-acquire and store-release", "6.15"];
    return imm === 0 ? undefined : ["this atomic operation", "5.12"];
  }
  if (cls === op.BPF_LDX && (code & 0xe0) === MEMSX) return ["the sign-extending load", "6.6"];
  if ((cls === op.BPF_ALU || cls === op.BPF_ALU64) && off !== 0) {
    if (kind === 0xb0) return off === 1 ? ["addr_space_cast", "6.9"] : ["the sign-extending move", "6.6"];
    return ["signed division", "6.6"];
  }
  if (cls === op.BPF_ALU64 && kind === 0xd0) return ["bswap", "6.6"];
  if (code === (op.BPF_JMP32 | op.BPF_JA)) return ["gotol", "6.6"];
  if (code === (op.BPF_JMP | op.BPF_JCOND)) return ["may_goto", "6.9"];
  if (code === 0x18 && src === PSEUDO_BTF_ID) return ["the address of a kernel variable", "5.10"];
  if (code === 0x18 && src === PSEUDO_FUNC) return ["a callback function", "5.13"];
  if (code === (op.BPF_JMP | op.BPF_CALL) && src === 0) {
    const helper = helperById(imm);
    return helper ? [`${helper.name}#${imm}`, helper.since] : undefined;
  }
  return code === (op.BPF_JMP | op.BPF_CALL) && src === PSEUDO_KFUNC ? ["a call of a kernel function", "5.13"] : undefined;
}

const number = (version: string): number => {
  const [major, minor] = version.split(".").map(Number);
  return major! * 1000 + (minor ?? 0);
};
const OLDEST = "5.4";
const NEWEST = "6.18";

/** Rejects with `... needs Linux X.Y` what `env.kernelVersion` lacks. A kfunc whose first version is not on record is not answered for. */
export function checkKernelVersion(env: Env): void {
  const { kernelVersion: target, prog } = env;
  if (target === NEWEST) return;
  const wanted = number(target);
  if (!(wanted >= number(OLDEST) && wanted <= number(NEWEST))) throw new Unsupported(`kernel ${target} (${OLDEST} to ${NEWEST} are)`);
  const need = (what: string, since: string | undefined): void => {
    if (since && number(since) > wanted) env.fail("needs-linux", EINVAL, `${what} needs Linux ${since}, the program is for ${target}`);
  };
  need(`program type ${PROG_TYPE_NAMES[prog.type] ?? prog.type}`, progTypeSince(prog.type));
  need(`attach type ${prog.expectedAttachType}`, prog.expectedAttachType ? attachTypeSince(prog.expectedAttachType) : undefined);
  const used = new Set(prog.insns.filter((i) => i.code === 0x18 && (i.src === 1 || i.src === 2)).map((i) => i.imm));
  for (const index of used) {
    const map = prog.maps[index];
    if (map) need(`map type ${MAP_TYPE_NAMES[map.type] ?? map.type} of '${map.name}'`, mapTypeSince(map.type));
  }
  prog.insns.forEach((insn, i) => {
    if (i > 0 && prog.insns[i - 1]!.code === 0x18) return;
    const found = insnSince(insn);
    if (found) need(`insn ${i}: ${found[0]}`, found[1]);
    if (insn.code !== (op.BPF_JMP | op.BPF_CALL) || insn.src !== PSEUDO_KFUNC) return;
    const kfunc = env.kfuncs.name(insn.imm);
    const since = kfunc && kfuncByName(kfunc)?.since;
    if (!since) throw new Unsupported(`${kfunc ?? "a kfunc"} on Linux ${target}`);
    need(`insn ${i}: ${kfunc}`, since);
  });
}
