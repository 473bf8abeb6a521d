// What a program attaches to: the name in its section and the kernel type behind it (libbpf_prepare_prog_load of libbpf 1.5). It attaches nothing.
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K, type Btf } from "../btf/btf.ts";
import type { Features } from "../features.ts";
import { ATTACH_TYPE as A, BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS, PROG_TYPE as P } from "./kinds.ts";
import { refuse, type Func } from "./model.ts";
import { nearestSections, type SectionDef } from "./sections.ts";

export const progFlags = (def: SectionDef): number => (def.sleepable ? BPF_F_SLEEPABLE : 0) | (def.frags ? BPF_F_XDP_HAS_FRAGS : 0);

/** expected_attach_type: USDT programs are attached to all places at once where the kernel has links for that. */
export function expectedAttachType(def: SectionDef, has: Features): number {
  if (def.attachOptional && !has("EXP_ATTACH_TYPE")) return 0;
  return def.pattern.startsWith("usdt") && has("UPROBE_MULTI_LINK") ? A.TRACE_UPROBE_MULTI : def.attachType;
}

/** The part of a section's name that says where to attach, for kinds that have one. */
export function attachTarget(def: SectionDef, secName: string): string | undefined {
  const slash = secName.indexOf("/");
  return def.pattern.endsWith("+") && slash >= 0 ? secName.slice(slash + 1) : undefined;
}

/** Kernel BTF id for tp_btf, fentry, fexit, fmod_ret, lsm and iter; 0 for kinds without. Throws CodedError in libbpf's words. */
export function attachBtfId(func: Func, def: SectionDef, kernel: Btf | undefined): BtfId {
  if (!def.attachBtf) return 0;
  const fail = (code: string, why: string): never => refuse(code, `prog '${func.name}': ${why}`);
  const target = attachTarget(def, func.secName);
  if (target === undefined)
    return fail("attach-target", `no BTF-based attach target is specified; write SEC("${def.pattern.slice(0, -1)}/NAME")`);
  if (def.progType === P.EXT)
    return fail("attach-target", "attach program FD is not set: a freplace program needs the program that it replaces");
  if (kernel === undefined) return fail("attach-btf", "kernel BTF is needed to find the attach target; give one with --btf");
  const colon = target.indexOf(":");
  const name = colon >= 0 && target.slice(0, colon) === "vmlinux" ? target.slice(colon + 1) : target;
  const [prefix, kind] = prefixKind(def.attachType);
  const id = kernel.find(prefix + name, kind);
  return id || fail("attach-btf", `failed to find kernel BTF type ID of '${target}': -3`);
}

function prefixKind(attachType: number): [prefix: string, kind: number] {
  if (attachType === A.TRACE_RAW_TP) return ["btf_trace_", K.TYPEDEF];
  if (attachType === A.LSM_MAC || attachType === A.LSM_CGROUP) return ["bpf_lsm_", K.FUNC];
  return [attachType === A.TRACE_ITER ? "bpf_iter_" : "", K.FUNC];
}

/** libbpf's answer to a section that it does not know, with the names that come nearest. */
export function unknownSection(func: Func): { code: string; message: string } {
  const near = nearestSections(func.secName);
  const hint = near.length > 0 ? `; did you mean ${near.map((n) => `SEC("${n}")`).join(" or ")}?` : "";
  return {
    code: "unknown-section",
    message: `prog '${func.name}': missing BPF prog type, check ELF section name '${func.secName}'${hint}`,
  };
}
