// Tasks as kernel objects: struct task_struct with what hangs on it, by pid. It schedules nothing.
import type { Region } from "../../vm/index.ts";
import { INIT_TASK, type Task } from "../task.ts";
import { addressOf, type KernelPart, type ObjectStore } from "./kobject.ts";
import type { Cgroups } from "./cgroups.ts";

/** A piece of a task's address space. */
export interface Vma {
  readonly start: bigint;
  readonly end: bigint;
  /** VM_READ 1, VM_WRITE 2, VM_EXEC 4. */
  readonly flags: number;
  readonly file?: string;
}
/** What every task of this machine has mapped: text, stack, as an x86-64 program sees them. */
export const VMAS: readonly Vma[] = [
  { start: 0x400000n, end: 0x401000n, flags: 5, file: "/bin/task" },
  { start: 0x7ffd00000000n, end: 0x7ffe00000000n, flags: 3 },
];
/** Owner of a task_struct: its pid, whatever is known of the task. */
interface Handle {
  readonly pid: number;
}
interface Entry {
  readonly handle: Handle;
  readonly task: Task;
  readonly cred: Region;
  readonly set: Region;
  readonly mm: Region;
  readonly region: Region;
  readonly regs: Region;
  readonly vmas: readonly Region[];
}
interface State {
  readonly tasks: ReadonlyMap<number, Task>;
  readonly entries: ReadonlyMap<number, Entry>;
}
/** sizeof(struct pt_regs) of x86-64. */
export const PT_REGS_BYTES = 168;

export class Tasks implements KernelPart {
  readonly #store: ObjectStore;
  readonly #cgroups: Cgroups;
  #tasks: ReadonlyMap<number, Task> = new Map([[INIT_TASK.pid, INIT_TASK]]);
  #entries: ReadonlyMap<number, Entry> = new Map();
  constructor(store: ObjectStore, cgroups: Cgroups) {
    this.#store = store;
    this.#cgroups = cgroups;
  }
  /** Notes a task: it can be found by its pid from now on. */
  add(task: Task): Task {
    if (this.#tasks.get(task.pid) !== task) this.#tasks = new Map(this.#tasks).set(task.pid, task);
    return task;
  }
  byPid(pid: number): Task | undefined {
    return this.#tasks.get(pid);
  }
  all(): Task[] {
    return [...this.#tasks.values()].sort((a, b) => a.pid - b.pid);
  }
  /** The task whose task_struct lies at an offset of memory. */
  at(offset: number): Task | undefined {
    const owner = this.#store.memory.regionAt(offset)?.owner as Handle | undefined;
    const entry = owner && this.#entries.get(owner.pid);
    return entry?.handle === owner ? entry?.task : undefined;
  }
  /** struct task_struct of a task. */
  region(task: Task): Region {
    return this.#entry(task).region;
  }
  /** The user registers of a task (task_pt_regs). */
  regs(task: Task): Region {
    return this.#entry(task).regs;
  }
  /** The vm_area_struct objects of a task, one for each of VMAS. */
  vmas(task: Task): readonly Region[] {
    return this.#entry(task).vmas;
  }
  /** A pid keeps its place in memory; what is known of the task is written anew when it has changed. */
  #entry(task: Task): Entry {
    const there = this.#entries.get(task.pid);
    if (there?.task === task) return there;
    this.add(task);
    const entry: Entry = there ? { ...there, task } : this.#make(task);
    this.#entries = new Map(this.#entries).set(task.pid, entry);
    this.#describe(entry);
    return entry;
  }
  #make(task: Task): Entry {
    const store = this.#store;
    const handle: Handle = { pid: task.pid };
    const region = store.make("task_struct", { owner: handle, name: `task_struct of ${task.comm} (${task.pid})` });
    const regs = store.memory.alloc("object", `registers of task ${task.pid}`, PT_REGS_BYTES, { writable: false });
    const mm = store.fill(store.make("mm_struct"), "mm_struct", {
      map_count: VMAS.length,
      start_stack: VMAS[1]!.start,
      start_code: VMAS[0]!.start,
    });
    const vmas = VMAS.map((v) =>
      store.fill(store.make("vm_area_struct", { owner: v }), "vm_area_struct", {
        vm_start: v.start,
        vm_end: v.end,
        vm_flags: v.flags,
        vm_mm: mm,
      }),
    );
    return { handle, task, region, regs, vmas, mm, cred: store.make("cred"), set: store.make("css_set") };
  }
  #describe({ task, region, regs, mm, cred, set }: Entry): void {
    const store = this.#store;
    const ids = { uid: task.uid, gid: task.gid, euid: task.uid, egid: task.gid, suid: task.uid, fsuid: task.uid };
    store.fill(cred, "cred", { ...Object.fromEntries(Object.entries(ids).map(([k, v]) => [`${k}.val`, v])), "usage.counter": 1 });
    store.fill(set, "css_set", { dfl_cgrp: this.#cgroups.region(this.#cgroups.get(task.cgroupId)) });
    const parent = task.ppid === undefined || task.ppid === task.pid ? undefined : this.byPid(task.ppid);
    const parentRegion = parent ? this.region(parent) : region;
    const leader = task.pid === task.tgid ? region : this.#leader(task);
    store.fill(region, "task_struct", {
      pid: task.pid,
      tgid: task.tgid,
      comm: task.comm,
      cred,
      real_cred: cred,
      cgroups: set,
      real_parent: parentRegion,
      parent: parentRegion,
      group_leader: leader,
      mm,
      active_mm: mm,
      stack: addressOf(regs.start),
      "usage.refs.counter": 1,
      "rcu_users.refs.counter": 1,
    });
  }
  #leader(task: Task): Region {
    return this.region(this.byPid(task.tgid) ?? { ...task, pid: task.tgid });
  }
  save(): State {
    return { tasks: this.#tasks, entries: this.#entries };
  }
  restore(state: unknown): void {
    const s = state as State;
    this.#tasks = s.tasks;
    this.#entries = s.entries;
  }
}
