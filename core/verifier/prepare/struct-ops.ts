// What a struct_ops program implements: the member of a kernel structure and what that structure lets its members do (check_struct_ops_btf_id, bpf_struct_ops.c, 6.18). It registers nothing.
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { EACCES, EINVAL, ENOTSUPP, Unsupported, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import type { AttachInfo, CtxArg } from "./attach.ts";

/** The verifier's side of one registered structure. */
export interface StructOps {
  readonly name: string;
  /** Members that the kernel has a stub for; no other can be implemented. */
  readonly stubs: Readonly<Record<string, string>>;
  mayUseHelper(name: string, member: string): boolean;
  sleepable(member: string): boolean;
  /** A struct that context arguments of the first type are read as, for example a TCP callback's `sock`. */
  readonly promote: readonly [from: string, to: string] | undefined;
  /** Checks a write of `size` bytes at `off` of kernel struct `struct`; fails the program where the kernel refuses. */
  write(env: Env, struct: BtfType, off: number, size: number): void;
}

const TCP_MEMBERS = [
  "ssthresh",
  "cong_avoid",
  "set_state",
  "cwnd_event",
  "in_ack_event",
  "pkts_acked",
  "min_tso_segs",
  "cong_control",
  "undo_cwnd",
  "sndbuf_expand",
];
const TCP_STUBS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(TCP_MEMBERS.map((m) => [m, `bpf_tcp_ca_${m}`])),
  init: "__bpf_tcp_ca_init",
  release: "__bpf_tcp_ca_release",
};
/** Fields of tcp_sock that congestion control may write: paths through its nested structures. */
const TCP_WRITABLE = [
  "sk_pacing_rate",
  "sk_pacing_status",
  "icsk_ca_priv",
  "icsk_ack.pending",
  "snd_cwnd",
  "snd_cwnd_cnt",
  "snd_cwnd_stamp",
  "snd_ssthresh",
  "ecn_flags",
  "app_limited",
];

/** Offset and size in bytes of a field by path, looked for through nested structures and unions; undefined when there is none. */
function findField(btf: Btf, struct: BtfType, path: readonly string[], base = 0): { off: number; end: number } | undefined {
  for (const m of struct.members) {
    const at = base + m.bitOffset / 8;
    const t = btf.type(btf.resolve(m.type));
    const nested = t.kind === BTF_KIND.STRUCT || t.kind === BTF_KIND.UNION;
    if (m.name === path[0]) {
      if (path.length === 1) return { off: at, end: at + btf.sizeOf(m.type) };
      if (nested) return findField(btf, t, path.slice(1), at);
    } else if (nested && EMBEDDED.has(m.name)) {
      const found = findField(btf, t, path, at);
      if (found) return found;
    }
  }
  return undefined;
}
const EMBEDDED: ReadonlySet<string> = new Set(["", "inet_conn", "icsk_inet", "sk"]);

const TCP: StructOps = {
  name: "tcp_congestion_ops",
  stubs: TCP_STUBS,
  mayUseHelper: (name, member) => !(member === "release" && (name === "setsockopt" || name === "getsockopt")),
  sleepable: () => true,
  promote: ["sock", "tcp_sock"],
  write(env, struct, off, size) {
    const btf = env.kernelBtf!;
    if (struct.id !== btf.find("tcp_sock", BTF_KIND.STRUCT)) env.fail("btf-access", EACCES, "only read is supported");
    const fields = TCP_WRITABLE.map((path) => ({ path, at: findField(btf, struct, path.split(".")) }));
    const hit = fields.find(({ path, at }) => at && (path === "icsk_ca_priv" ? off >= at.off && off < at.end : off === at.off));
    if (!hit) env.fail("btf-access", EACCES, `no write support to tcp_sock at off ${off}`);
    const end = hit!.at!.end;
    if (off + size > end)
      env.fail("btf-access", EACCES, `write access at off ${off} with size ${size} beyond the member of tcp_sock ended at ${end}`);
  },
};
const DUMMY: StructOps = {
  name: "bpf_dummy_ops",
  stubs: { test_1: "bpf_dummy_ops__test_1", test_2: "bpf_dummy_test_2", test_sleepable: "bpf_dummy_test_sleepable" },
  mayUseHelper: () => false,
  sleepable: (member) => member === "test_sleepable",
  promote: undefined,
  write(env, struct, off, size) {
    if (struct.name !== "bpf_dummy_ops_state") env.fail("btf-access", EACCES, "only access to bpf_dummy_ops_state is supported");
    if (off + size > struct.size) env.fail("btf-access", EACCES, `write access at off ${off} with size ${size}`);
  },
};
const KNOWN: Readonly<Record<string, StructOps>> = { [TCP.name]: TCP, [DUMMY.name]: DUMMY };

/** Arguments whose stub's parameter name says that they may be NULL or are given with a reference (prepare_arg_info). */
function ctxArgs(btf: Btf, proto: BtfType, stub: BtfType | undefined): CtxArg[] {
  const params = stub ? btf.type(stub.type).params : [];
  return proto.params.flatMap((p, i): CtxArg[] => {
    const name = params[i]?.name ?? "";
    const nullable = name.endsWith("__nullable");
    if (!nullable && !name.endsWith("__ref")) return [];
    const target = btf.resolve(btf.type(btf.resolve(p.type)).type);
    return [
      {
        off: i * 8,
        type: T.PTR_TO_BTF_ID | T.PTR_TRUSTED | (nullable ? T.PTR_MAYBE_NULL : 0),
        btf,
        btfId: target,
        refObjId: 0,
        refcounted: !nullable,
      },
    ];
  });
}

/** The structure that type id `id` of the kernel's BTF names, when the kernel registered it. */
function registered(env: Env, btf: Btf, id: number): StructOps {
  const t = id < btf.typeCount ? btf.type(id) : undefined;
  const known = t && btf.find(`bpf_struct_ops_${t.name}`, BTF_KIND.STRUCT) !== 0;
  if (!known) return env.fail("struct-ops", ENOTSUPP, `attach_btf_id ${id} is not a supported struct`);
  const ops = KNOWN[t.name];
  if (!ops) throw new Unsupported(`struct_ops ${t.name}`);
  return ops;
}

export function structOpsAttach(env: Env, none: AttachInfo): AttachInfo {
  const { attachBtfId, expectedAttachType: memberIdx } = env.prog;
  if (!env.gplCompatible) env.fail("struct-ops", EINVAL, "struct ops programs must have a GPL compatible license");
  const btf = env.kernelBtf;
  if (!btf) throw new Unsupported("kernel-btf");
  if (!attachBtfId) env.fail("struct-ops", ENOTSUPP, "");
  const ops = registered(env, btf, attachBtfId);
  const member = btf.type(attachBtfId).members[memberIdx];
  if (!member) return env.fail("struct-ops", EINVAL, `attach to invalid member idx ${memberIdx} of struct ${ops.name}`);
  const ptr = btf.type(btf.resolve(member.type));
  const proto = ptr.kind === BTF_KIND.PTR ? btf.type(btf.resolve(ptr.type)) : undefined;
  if (proto?.kind !== BTF_KIND.FUNC_PROTO)
    return env.fail("struct-ops", EINVAL, `attach to invalid member ${member.name}(@idx ${memberIdx}) of struct ${ops.name}`);
  const stubName = ops.stubs[member.name];
  if (!stubName) return env.fail("struct-ops", ENOTSUPP, `attach to unsupported member ${member.name} of struct ${ops.name}`);
  if (env.sleepable && !ops.sleepable(member.name))
    env.fail("struct-ops", EINVAL, `attach to unsupported member ${member.name} of struct ${ops.name}`);
  const stub = btf.find(stubName, BTF_KIND.FUNC);
  const args = ctxArgs(btf, proto, stub ? btf.type(stub) : undefined);
  if (args.some((a) => a.refcounted) && env.subprogs.some((s) => s.hasTailCall))
    env.fail("struct-ops", EINVAL, "program with __ref argument cannot tail call");
  const ret = btf.type(btf.resolve(proto.type));
  const target = ret.kind === BTF_KIND.PTR ? btf.type(btf.resolve(ret.type)) : undefined;
  return {
    ...none,
    btf,
    proto,
    name: member.name,
    returnsVoid: proto.type === 0,
    ctxArgs: args,
    structOps: ops,
    returnsPointer: target?.kind === BTF_KIND.STRUCT ? target.id : 0,
  };
}
