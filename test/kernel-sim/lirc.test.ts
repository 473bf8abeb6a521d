// Infrared decoders: keys, repeats and moves that a lirc_mode2 program reports.
import { expect, it } from "vitest";
import { kernelWith, load, runOn } from "./simulate.ts";

it("keys, repeats and moves are kept in the order of the calls, and each call gives 0", () => {
  const kernel = kernelWith();
  const text = `r6 = r1; r2 = 4; r3 = 0x1e3b; r4 = 1; call bpf_rc_keydown; r8 = r0; r1 = r6; call bpf_rc_repeat; r8 |= r0; r1 = r6; r2 = 3; r3 = -7; call bpf_rc_pointer_rel; r8 |= r0; r0 = r8; exit`;
  const program = load(kernel, { type: "lirc_mode2", attach: 13 }, text);
  const { result, state } = runOn(kernel, program, { ctx: Uint8Array.of(0x10, 0x27, 0, 1) });
  expect(result).toBe(0);
  expect(state.hook.remote).toEqual(["key protocol 4 code 7739 toggle 1", "repeat", "move 3 -7"]);
});
it("the sample is the context", () => {
  const kernel = kernelWith();
  const program = load(kernel, { type: "lirc_mode2", attach: 13 }, "r1 = *(u32 *)(r1 + 0); r1 &= 0xffffff; r0 = r1; exit");
  expect(runOn(kernel, program, { ctx: Uint8Array.of(0x10, 0x27, 0, 1) }).result).toBe(10_000);
});
