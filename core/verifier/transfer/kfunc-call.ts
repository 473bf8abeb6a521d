// Calling a kfunc (check_kfunc_call, 6.18).
import type { Insn } from "../../isa/index.ts";
import { Unsupported, type Env } from "../env.ts";

/** `throws` when the call ends the program (bpf_throw). */
export function checkKfuncCall(env: Env, insn: Insn): "on" | "throws" {
  throw new Unsupported(`kfunc ${env.kfuncs.name(insn.imm) ?? insn.imm}`);
}
