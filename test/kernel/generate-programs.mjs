// Writes random programs in the raw format whose results do not depend on garbage: registers and stack are set first. Usage: generate-programs.mjs COUNT SEED. It runs nothing.
const [count, seed] = process.argv.slice(2).map(Number);
let state = seed || 1;
const rnd = (n) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
};
const pick = (list) => list[rnd(list.length)];
const NUMBERS = [0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 255, 256, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 12345, -813];
const imm = () => (rnd(3) ? pick(NUMBERS) : state | 0);

const hex = (n, bytes) => {
  let out = "";
  for (let i = 0; i < bytes; i++) out += ((Math.floor(n / 2 ** (8 * i)) % 256) + 256).toString(16).slice(-2).padStart(2, "0");
  return out;
};
const enc = ([code, dst, src, off, k]) => hex(code, 1) + hex(dst | (src << 4), 1) + hex(off & 0xffff, 2) + hex(k >>> 0, 4);

const reg = () => pick([0, 6, 7, 8, 9]);
function alu() {
  const wide = rnd(2);
  const cls = wide ? 7 : 4;
  const bits = wide ? 64 : 32;
  const kind = pick([0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0x30, 0x90, 0xb0]);
  const d = reg();
  if (kind === 0x80) return [cls | kind, d, 0, 0, 0];
  if (kind === 0xd0) return wide ? [0xd7, d, 0, 0, pick([16, 32, 64])] : [pick([0xd4, 0xdc]), d, 0, 0, pick([16, 32, 64])];
  const useReg = rnd(2);
  const shift = kind === 0x60 || kind === 0x70 || kind === 0xc0;
  if (useReg) {
    let off = 0;
    if ((kind === 0x30 || kind === 0x90) && rnd(2)) off = 1;
    if (kind === 0xb0 && rnd(2)) off = pick(wide ? [8, 16, 32] : [8, 16]);
    return [cls | kind | 8, d, reg(), off, 0];
  }
  let k = shift ? rnd(bits) : imm();
  if ((kind === 0x30 || kind === 0x90) && k === 0) k = 3;
  return [cls | kind, d, 0, (kind === 0x30 || kind === 0x90) && rnd(2) ? 1 : 0, k];
}
const SLOTS = [-8, -16, -24, -32, -40, -48];
function memory() {
  const slot = pick(SLOTS);
  switch (rnd(5)) {
    case 0: {
      const [code, size] = pick([
        [0x63, 4],
        [0x6b, 2],
        [0x73, 1],
        [0x7b, 8],
      ]);
      return [code, 10, reg(), slot + size * rnd(8 / size), 0];
    }
    case 1: {
      const [code, size] = pick([
        [0x62, 4],
        [0x6a, 2],
        [0x72, 1],
        [0x7a, 8],
      ]);
      return [code, 10, 0, slot + size * rnd(8 / size), imm()];
    }
    case 2: {
      const [code, size] = pick([
        [0x61, 4],
        [0x69, 2],
        [0x71, 1],
        [0x79, 8],
        [0x81, 4],
        [0x89, 2],
        [0x91, 1],
      ]);
      return [code, reg(), 10, slot + size * rnd(8 / size), 0];
    }
    case 3: {
      const wide = rnd(2);
      return [
        wide ? 0xdb : 0xc3,
        10,
        reg(),
        slot + (wide ? 0 : 4 * rnd(2)),
        pick([0x00, 0x50, 0x40, 0xa0, 0x01, 0x51, 0x41, 0xa1, 0xe1, 0xf1]),
      ];
    }
    default: {
      const [code, size] = pick([
        [0xdb, 8],
        [0xc3, 4],
        [0xcb, 2],
        [0xd3, 1],
      ]);
      const off = slot + size * rnd(8 / size);
      return rnd(2) ? [code, reg(), 10, off, 0x100] : [code, 10, reg(), off, 0x110];
    }
  }
}
const SKB_FIELDS = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64];
function context(type) {
  if (type === "xdp") return [[0x61, reg(), 1, pick([12, 16]), 0]];
  const off = pick(SKB_FIELDS);
  const size = pick([
    [0x61, 4],
    [0x69, 2],
    [0x71, 1],
  ]);
  const settable = (off === 8 && type === "sched_cls") || off >= 48 || (type === "sched_cls" && (off === 32 || off === 44));
  if (rnd(4) === 0 && settable) return [[0x63, 1, reg(), off, 0]];
  return [[size[0], reg(), 1, off + size[1] * rnd(4 / size[1]), 0]];
}
function packet(type) {
  if (type === "socket_filter") return [];
  const [d, e] = type === "xdp" ? [0, 4] : [76, 80];
  const off = rnd(40),
    [load, store, size] = pick([
      [0x61, 0x63, 4],
      [0x69, 0x6b, 2],
      [0x71, 0x73, 1],
      [0x79, 0x7b, 8],
    ]);
  return [
    [0x61, 2, 1, d, 0],
    [0x61, 3, 1, e, 0],
    [0xbf, 4, 2, 0, 0],
    [0x07, 4, 0, 0, off + size],
    [0x2d, 4, 3, 1, 0],
    rnd(2) ? [load, reg(), 2, off, 0] : [store, 2, reg(), off, 0],
  ];
}
/** Looks element `key` of map `index` up and uses the value. r1 is saved in r10-56. */
function mapUse(index) {
  const body = pick([[[0x79, 6, 0, 0, 0]], [[0x7b, 0, 7, 0, 0]], [[0xdb, 0, 8, 0, 0x01]], [[0x61, 9, 0, 4, 0]]]);
  return [
    [0x62, 10, 0, -64, rnd(5)],
    [0xbf, 2, 10, 0, 0],
    [0x07, 2, 0, 0, -64],
    [0x18, 1, 1, 0, index],
    [0, 0, 0, 0, 0],
    [0x85, 0, 0, 0, 1],
    [0x15, 0, 0, body.length, 0],
    ...body,
    [0xb7, 0, 0, 0, rnd(100)],
    [0x79, 1, 10, -56, 0],
  ];
}
function mapChange(index) {
  const call = rnd(3)
    ? [
        [0xbf, 3, 10, 0, 0],
        [0x07, 3, 0, 0, -8],
        [0xb7, 4, 0, 0, pick([0, 0, 1, 2, 3])],
        [0x85, 0, 0, 0, 2],
      ]
    : [[0x85, 0, 0, 0, 3]];
  return [
    [0x62, 10, 0, -64, rnd(5)],
    [0xbf, 2, 10, 0, 0],
    [0x07, 2, 0, 0, -64],
    [0x18, 1, 1, 0, index],
    [0, 0, 0, 0, 0],
    ...call,
    [0x79, 1, 10, -56, 0],
  ];
}
function jump(length) {
  const cls = pick([5, 6]);
  const kind = pick([0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0]);
  return rnd(2) ? [cls | kind, reg(), 0, length, imm()] : [cls | kind | 8, reg(), reg(), length, 0];
}
function piece(type, depth) {
  const r = rnd(20);
  if (r < 9) return [alu()];
  if (r < 13) return [memory()];
  if (r < 14) return context(type);
  if (r < 15) return packet(type);
  if (r < 16) return mapUse(rnd(4));
  if (r < 17) return mapChange(rnd(4));
  if (r < 18 && depth < 1) return "call";
  if (depth > 2) return [alu()];
  const inner = [];
  for (let i = 1 + rnd(3); i > 0; i--) {
    const p = piece(type, depth + 3);
    if (p !== "call") inner.push(...p);
  }
  return [jump(inner.length), ...inner];
}
function program(id) {
  const type = pick(["xdp", "sched_cls", "socket_filter"]);
  const body = [[0x7b, 10, 1, -56, 0]];
  for (const r of [0, 6, 7, 8, 9]) body.push([0xb7, r, 0, 0, imm()]);
  for (const s of SLOTS) body.push([0x7b, 10, reg(), s, 0]);
  const calls = [];
  for (let i = 5 + rnd(20); i > 0; i--) {
    const p = piece(type, 0);
    if (p === "call") {
      body.push([0xbf, 1, 6, 0, 0], [0xbf, 2, 7, 0, 0]);
      calls.push(body.length);
      body.push([0x85, 0, 1, 0, 0], [0x79, 1, 10, -56, 0]);
    } else body.push(...p);
  }
  for (const r of [6, 7, 8, 9]) body.push([0xaf, 0, r, 0, 0]);
  body.push([0xbf, 6, 0, 0, 0], [0x77, 6, 0, 0, 32], [0xaf, 0, 6, 0, 0], [0x95, 0, 0, 0, 0]);
  if (calls.length) {
    for (const at of calls) body[at][4] = body.length - at - 1;
    body.push([0xbf, 0, 1, 0, 0], [0xbf, 6, 2, 0, 0], [0xb7, 7, 0, 0, imm()], [0xb7, 8, 0, 0, imm()], [0xb7, 9, 0, 0, imm()]);
    for (let i = 2 + rnd(6); i > 0; i--) body.push(alu());
    body.push([0xaf, 0, 6, 0, 0], [0x95, 0, 0, 0, 0]);
  }
  const data = Array.from({ length: 14 + rnd(80) }, () => rnd(256));
  if (rnd(2))
    data.splice(
      0,
      14,
      0,
      0,
      0,
      0,
      0,
      0,
      2,
      0,
      0,
      0,
      0,
      1,
      ...pick([
        [8, 0],
        [0x86, 0xdd],
        [8, 6],
      ]),
    );
  const run = [{}, { data: data.map((b) => hex(b, 1)).join("") }];
  const maps = [
    { type: "array", key_size: 4, value_size: 8, max_entries: 4, init: "0102030405060708" },
    { type: "hash", key_size: 4, value_size: 8, max_entries: 3 },
    { type: "percpu_array", key_size: 4, value_size: 8, max_entries: 2 },
    { type: "lru_hash", key_size: 4, value_size: 8, max_entries: 16 },
  ];
  return { id, prog_type: type, insns: body.map(enc).join(""), maps, dump_maps: true, run };
}
for (let i = 0; i < count; i++) console.log(JSON.stringify(program(i)));
