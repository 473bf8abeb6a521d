// What a program uses that came after the kernel it is meant for: program, map and attach types, helpers, instructions. The state engine stays 6.18's whatever the version.
import { ATTACH_TYPE as AT, MAP_TYPE as MT, PROG_TYPE as PT, helperById, MAP_TYPE_NAMES, PROG_TYPE_NAMES } from "../../catalog/index.ts";
import type { Insn } from "../../isa/index.ts";
import * as op from "../../isa/index.ts";
import { EINVAL, Unsupported, type Env } from "../env.ts";

/** Types that came after 5.4, the oldest version that is answered for. */
const PROG_SINCE: Readonly<Record<number, string>> = {
  [PT.TRACING]: "5.5",
  [PT.STRUCT_OPS]: "5.6",
  [PT.EXT]: "5.6",
  [PT.LSM]: "5.7",
  [PT.SK_LOOKUP]: "5.9",
  [PT.SYSCALL]: "5.14",
  [PT.NETFILTER]: "6.4",
};
const MAP_SINCE: Readonly<Record<number, string>> = {
  [MT.STRUCT_OPS]: "5.6",
  [MT.RINGBUF]: "5.8",
  [MT.INODE_STORAGE]: "5.10",
  [MT.TASK_STORAGE]: "5.11",
  [MT.BLOOM_FILTER]: "5.16",
  [MT.USER_RINGBUF]: "6.1",
  [MT.CGRP_STORAGE]: "6.2",
  [MT.ARENA]: "6.9",
};
const ATTACH_SINCE: Readonly<Record<number, string>> = {
  [AT.TRACE_FENTRY]: "5.5",
  [AT.TRACE_FEXIT]: "5.5",
  [AT.MODIFY_RETURN]: "5.7",
  [AT.LSM_MAC]: "5.7",
  [AT.TRACE_ITER]: "5.8",
  [AT.CGROUP_INET4_GETPEERNAME]: "5.8",
  [AT.CGROUP_INET6_GETPEERNAME]: "5.8",
  [AT.CGROUP_INET4_GETSOCKNAME]: "5.8",
  [AT.CGROUP_INET6_GETSOCKNAME]: "5.8",
  [AT.XDP_DEVMAP]: "5.8",
  [AT.XDP_CPUMAP]: "5.9",
  [AT.CGROUP_INET_SOCK_RELEASE]: "5.9",
  [AT.SK_SKB_VERDICT]: "5.13",
  [AT.TRACE_KPROBE_MULTI]: "5.18",
  [AT.LSM_CGROUP]: "6.0",
  [AT.TRACE_UPROBE_MULTI]: "6.6",
  [AT.TRACE_KPROBE_SESSION]: "6.10",
  [AT.TRACE_UPROBE_SESSION]: "6.13",
};
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

/** Rejects with `... needs Linux X.Y` what `env.kernelVersion` lacks. Which kfuncs an older kernel has is not known, so those are not answered for. */
export function checkKernelVersion(env: Env): void {
  const { kernelVersion: target, prog } = env;
  if (target === NEWEST) return;
  const wanted = number(target);
  if (!(wanted >= number(OLDEST) && wanted <= number(NEWEST))) throw new Unsupported(`kernel ${target} (${OLDEST} to ${NEWEST} are)`);
  const need = (what: string, since: string | undefined): void => {
    if (since !== undefined && number(since) > wanted)
      env.fail("needs-linux", EINVAL, `${what} needs Linux ${since}, the program is for ${target}`);
  };
  need(`program type ${PROG_TYPE_NAMES[prog.type] ?? prog.type}`, PROG_SINCE[prog.type]);
  need(`attach type ${prog.expectedAttachType}`, prog.expectedAttachType ? ATTACH_SINCE[prog.expectedAttachType] : undefined);
  const used = new Set(prog.insns.filter((i) => i.code === 0x18 && (i.src === 1 || i.src === 2)).map((i) => i.imm));
  for (const index of used) {
    const map = prog.maps[index];
    if (map) need(`map type ${MAP_TYPE_NAMES[map.type] ?? map.type} of '${map.name}'`, MAP_SINCE[map.type]);
  }
  prog.insns.forEach((insn, i) => {
    if (i > 0 && prog.insns[i - 1]!.code === 0x18) return;
    const found = insnSince(insn);
    if (found) need(`insn ${i}: ${found[0]}`, found[1]);
    if (insn.code === (op.BPF_JMP | op.BPF_CALL) && insn.src === PSEUDO_KFUNC) throw new Unsupported(`kfuncs of Linux ${target}`);
  });
}
