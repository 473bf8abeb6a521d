// Targets of tracing and LSM programs that the kernel refuses, on the bundled types. The words are those of its source: no kernel at hand lets such programs in.
import { describe, expect, it } from "vitest";
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "../../core/catalog/index.ts";
import { BTF_KIND } from "../../core/object/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { kernelBtf } from "../parity/corpora.ts";

const KINDS = {
  fentry: [PT.TRACING, AT.TRACE_FENTRY],
  fexit: [PT.TRACING, AT.TRACE_FEXIT],
  fmod_ret: [PT.TRACING, AT.MODIFY_RETURN],
  lsm: [PT.LSM, AT.LSM_MAC],
} as const;
const BPF_F_SLEEPABLE = 16;

function answer(section: string, license = "GPL") {
  const [kind, target] = section.split("/") as [string, string];
  const [type, expectedAttachType] = KINDS[kind.replace(".s", "") as keyof typeof KINDS];
  const attachBtfId = kernelBtf()!.find(target, BTF_KIND.FUNC);
  expect(attachBtfId, target).toBeGreaterThan(0);
  const r = verify(
    {
      ...{ name: "t", type, expectedAttachType, attachBtfId, license, maps: [], btf: undefined, funcInfo: [], lineInfo: [] },
      flags: kind.endsWith(".s") ? BPF_F_SLEEPABLE : 0,
      insns: [
        { code: 0xb7, dst: 0, src: 0, off: 0, imm: 0 },
        { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
      ],
    },
    { logLevel: 1, kernelBtf: kernelBtf() },
  );
  return r.verdict === "error" ? r.message! : r.verdict === "accept" ? "accept" : r.error.at(-1)!.replace(String(attachBtfId), "ID");
}

describe("what a program may attach to", () => {
  it.each([
    ["fentry/tcp_sendmsg", "accept"],
    ["fexit/do_unlinkat", "accept"],
    ["fmod_ret/security_file_open", "accept"],
    ["fmod_ret/tcp_sendmsg", "tcp_sendmsg() is not modifiable"],
    ["fmod_ret/__x64_sys_close", /^not supported yet: attaching to __x64_sys_close, which depends/],
    ["fentry.s/tcp_sendmsg", "tcp_sendmsg is not sleepable"],
    ["fentry.s/__x64_sys_close", /^not supported yet: attaching to __x64_sys_close/],
    ["fmod_ret.s/__filemap_add_folio", "__filemap_add_folio is not sleepable"],
    ["lsm/bpf_lsm_file_open", "accept"],
    ["lsm.s/bpf_lsm_file_open", "accept"],
    ["lsm.s/bpf_lsm_task_free", "bpf_lsm_task_free is not sleepable"],
    ["lsm/bpf_lsm_getprocattr", "attach_btf_id ID points to disabled hook bpf_lsm_getprocattr"],
    ["lsm/bpf_lsm_verify_prog", "attach_btf_id ID points to wrong type name bpf_lsm_verify_prog"],
    ["lsm/tcp_sendmsg", "attach_btf_id ID points to wrong type name tcp_sendmsg"],
    ["fentry/migrate_disable", "Attaching tracing programs to function 'migrate_disable' is rejected."],
    ["fexit/do_exit", "Attaching fexit/fmod_ret to __noreturn function 'do_exit' is rejected."],
    ["fentry/do_exit", "accept"],
    ["fentry/_printk", "The function _printk with variable args is unsupported."],
  ])("%s", (section, want) => {
    if (typeof want === "string") expect(answer(section)).toBe(want);
    else expect(answer(section)).toMatch(want);
  });
  it("an LSM program needs a compatible licence", () => {
    expect(answer("lsm/bpf_lsm_file_open", "Proprietary")).toBe("LSM programs must have a GPL compatible license");
  });
  it("functions with too many arguments or large ones", () => {
    const btf = kernelBtf()!;
    const words = new Set<string>();
    for (let id = 1; id < btf.typeCount && words.size < 3; id++) {
      if (btf.kind(id) !== BTF_KIND.FUNC) continue;
      const { name, type } = btf.type(id);
      if (btf.find(name, BTF_KIND.FUNC) !== id) continue;
      const proto = btf.type(type);
      const large = proto.params.some((p) => p.type !== 0 && btf.kind(btf.resolve(p.type)) === BTF_KIND.STRUCT && btf.sizeOf(p.type) > 16);
      const record = proto.type !== 0 && btf.kind(btf.resolve(proto.type)) === BTF_KIND.STRUCT;
      if (proto.params.length > 12 || large || record)
        words.add(
          answer(`fentry/${name}`)
            .replace(/function \w+/, "function F")
            .replace(/\d+/, "N"),
        );
    }
    expect([...words].sort()).toEqual([
      "The function F argN type STRUCT is unsupported.",
      "The function F has N arguments. Too many.",
      "The function F return type STRUCT is unsupported.",
    ]);
  });
});
