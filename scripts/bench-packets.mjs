// Runs captures of a million packets through `beeline run --pcap --summary`, as a user does, and says how fast and in how much memory. Needs dist/.
//   used by bench-vm.mjs; the captures lie in the system's folder for temporary files and are made once
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./bundle.mjs";

const MILLION = 1_000_000;
const ROUNDS = 5;

/** A record of UDP, TCP or ICMP over IPv4: 60 % of 64 bytes, 39 % to 342, 1 % of 1514; `roll(n)` is a number below n. */
function record(roll) {
  const kind = roll(100);
  const length = kind < 60 ? 64 : kind < 90 ? 128 + roll(128) : kind < 99 ? 342 : 1514;
  const out = Buffer.alloc(16 + length);
  out.writeUInt32LE(length, 8);
  out.writeUInt32LE(length, 12);
  const packet = out.subarray(16);
  packet.fill(0xff, 0, 6);
  packet[6] = 2;
  packet[11] = roll(250);
  packet.writeUInt16BE(0x0800, 12);
  packet[14] = 0x45;
  packet.writeUInt16BE(length - 14, 16);
  packet[22] = 64;
  packet[23] = [17, 17, 6, 6, 6, 1][roll(6)];
  packet.writeUInt32BE(0x0a000000 + roll(4096), 26);
  packet.writeUInt32BE(0x0a010000 + roll(256), 30);
  packet.writeUInt16BE(1024 + roll(60000), 34);
  packet.writeUInt16BE([53, 80, 443, 123][roll(4)], 36);
  packet.writeUInt16BE(length - 34, 38);
  packet[46] = 0x50;
  return out;
}
/** A capture of `count` packets; always the same ones. */
function capture(count) {
  const file = join(tmpdir(), `beeline-bench-${count}.pcap`);
  if (existsSync(file)) return file;
  const fd = openSync(`${file}.part`, "w");
  const head = Buffer.alloc(24);
  [0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1].forEach((word, i) => head.writeUInt32LE(word, 4 * i));
  writeSync(fd, head);
  let seed = 1;
  const roll = (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % n;
  };
  for (let left = count; left > 0; left -= 10_000) {
    writeSync(fd, Buffer.concat(Array.from({ length: Math.min(left, 10_000) }, () => record(roll))));
  }
  closeSync(fd);
  renameSync(`${file}.part`, file);
  return file;
}
/** One run: nanoseconds a packet by the clock (as the command says) and by the processor's, megabytes at most. */
async function once(object, program, file) {
  const args = [
    join(root, "dist/cli.js"),
    "run",
    object,
    "--program",
    program,
    "--pcap",
    file,
    "--summary",
    "--engine",
    "wasm",
    "--format",
    "json",
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let [text, peak, ticks] = ["", 0, 0];
  child.stdout.on("data", (d) => (text += d));
  const look = () => {
    try {
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? peak);
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1].split(" ");
      ticks = Number(stat[11]) + Number(stat[12]);
    } catch {
      // It has ended, or this system has no /proc: the last look counts.
    }
  };
  const timer = setInterval(look, 10);
  const status = await new Promise((done) => child.on("close", done));
  clearInterval(timer);
  if (status !== 0) throw new Error(`beeline run ${object} ended with ${status}`);
  const row = JSON.parse(text);
  return { packets: row.packets, ns: row.ns_per_packet, cpuMs: ticks * 10, mb: peak / 1024 };
}
async function least(object, program, count) {
  const file = capture(count);
  const runs = [];
  for (let round = 0; round < ROUNDS; round++) runs.push(await once(object, program, file));
  const min = (of) => Math.min(...runs.map(of));
  return { packets: runs[0].packets, ns: min((r) => r.ns), cpuMs: min((r) => r.cpuMs), mb: min((r) => r.mb) };
}

/** Prints a line for each program that is there; `say` takes what was measured, the figure, and the target. */
export async function packets(say) {
  if (!existsSync(join(root, "dist/cli.js"))) return say("packets a second of a capture", "not measured: dist/ is not built", "> 2 M/s");
  const xdpTools = `/usr/lib/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu/bpf`;
  const programs = [
    [join(root, "examples/xdp_parse.bpf.o"), "xdp_parse"],
    [join(xdpTools, "xdpfilt_dny_all.o"), "xdpfilt_dny_all"],
    [join(xdpTools, "xdpfilt_alw_udp.o"), "xdpfilt_alw_udp"],
  ];
  for (const [object, program] of programs) {
    if (!existsSync(object)) {
      say(`${program}: a million packets`, "not measured: xdp-tools is not installed", "> 2 M/s");
      continue;
    }
    const [whole, tenth] = [await least(object, program, MILLION), await least(object, program, MILLION / 10)];
    const cpu = (whole.packets - tenth.packets) / (whole.cpuMs - tenth.cpuMs) / 1000;
    say(
      `${program}: ${whole.packets} packets`,
      `${(1000 / whole.ns).toFixed(2)} M/s by the clock, ${cpu.toFixed(1)} M/s by processor time`,
      "> 2 M/s",
    );
    say("  memory of that, and of a tenth", `${whole.mb.toFixed(0)} and ${tenth.mb.toFixed(0)} MB`, "the same");
  }
}
