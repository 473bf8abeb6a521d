// Line infos stand in order, at instructions, one at the start of each function (check_btf_line, 6.18). What lines they name matters to nobody here.
import { EINVAL, type Env } from "../env.ts";

export function checkLineInfo(env: Env): void {
  const { btf, lineInfo } = env.prog;
  if (!btf || lineInfo.length === 0) return;
  const { insns, subprogs } = env;
  const refuse = (text: string): never => env.fail("line-info", EINVAL, text);
  let found = 0;
  lineInfo.forEach(({ insnIdx }, i) => {
    const before = lineInfo[i - 1]?.insnIdx ?? 0;
    if ((i && insnIdx <= before) || insnIdx >= insns.length)
      refuse(`Invalid line_info[${i}].insn_off:${insnIdx} (prev_offset:${before} prog->len:${insns.length})`);
    if (!insns[insnIdx]!.code) refuse(`Invalid insn code at line_info[${i}].insn_off`);
    const next = subprogs[found]?.start ?? Infinity;
    if (insnIdx === next) found++;
    else if (next < insnIdx) refuse(`missing bpf_line_info for func#${found}`);
  });
  if (found < subprogs.length) refuse(`missing bpf_line_info for ${subprogs.length - found} funcs starting from func#${found}`);
}
