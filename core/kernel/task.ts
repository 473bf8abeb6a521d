// The task that runs when an event happens: what the current-task helpers report. Plain data.

export interface Task {
  readonly pid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly gid: number;
  readonly comm: string;
  readonly cgroupId: bigint;
  /** Pid of the parent; a task without one is its own. */
  readonly ppid?: number;
}
export const INIT_TASK: Task = { pid: 1, tgid: 1, uid: 0, gid: 0, comm: "init", cgroupId: 1n };
