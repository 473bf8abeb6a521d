// Section names: what libbpf 1.5 makes of each form (sections.txt, recorded), and what is said to one that it does not know.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findSection, nearestSections } from "../../core/object/index.ts";
import { fixturePath } from "./fixtures.ts";

const rows = readFileSync(fixturePath("sections.txt"), "utf8")
  .trimEnd()
  .split("\n")
  .map((l) => /^(.*) (-?\d+) (-?\d+)$/.exec(l)!.slice(1) as [string, string, string]);
/** Of libbpf 1.6. */
const LATER = /^uprobe\.session(\.s)?(\/|$)/;

describe("section names", () => {
  test("every form of every name means what it means to libbpf", () => {
    const ours = rows.map(([name]) => {
      const def = findSection(name);
      return [name, String(def?.progType ?? -1), String(def?.attachType ?? -1)];
    });
    const keep = ([name]: readonly string[]): boolean => !LATER.test(name!);
    expect(ours.filter(keep)).toEqual(rows.filter(keep));
    expect(rows.length).toBeGreaterThan(600);
    expect(rows.filter(([, type]) => type !== "-1").length).toBeGreaterThan(200);
  });
  test("an unknown one gets the nearest names, nearest first", () => {
    expect(nearestSections("xpd")).toContain("xdp");
    expect(nearestSections("tracepont/syscalls/sys_enter_openat")[0]).toBe("tracepoint");
    expect(nearestSections("cgroup_skb/ingres")[0]).toBe("cgroup_skb/ingress");
    expect(nearestSections("nothing_like_any_name")).toEqual([]);
  });
});
