// Loops on the explored path: states inside a loop are complete only when the loop is left (struct bpf_scc_visit, 6.18).
import { type Env } from "../env.ts";
import type { VState } from "../domain/state.ts";
import { frameInsnIdx } from "./equal.ts";
import { propagatePrecision } from "./propagate.ts";
import { markAllPrecise } from "./backtrack.ts";

const MAX_BACKEDGE_ITERS = 64;

interface Visit {
  readonly name: string;
  entry: VState | null;
  /** States that met a kept state inside the loop, newest first. */
  backedges: VState[];
  numBackedges: number;
}

/** Visits of strongly connected components, keyed by the call chain that leads into them. */
export class SccVisits {
  readonly #env: Env;
  readonly #visits = new Map<string, Visit>();
  /** Visits that have back edges. */
  #open = 0;
  constructor(env: Env) {
    this.#env = env;
  }

  /** compute_scc_callchain: `callsite,..,scc` of the outermost loop that a state stands in; empty outside loops. */
  #chain(st: VState): string {
    let out = "";
    for (let i = 0; i <= st.curframe; i++) {
      const idx = frameInsnIdx(st, i);
      const scc = this.#env.aux[idx]!.scc;
      if (scc) return `(${out}${scc})`;
      out += `${idx},`;
    }
    return "";
  }

  /** maybe_enter_scc. */
  enter(st: VState): void {
    const name = this.#chain(st);
    if (!name) return;
    let visit = this.#visits.get(name);
    if (!visit) this.#visits.set(name, (visit = { name, entry: null, backedges: [], numBackedges: 0 }));
    if (visit.entry) return;
    visit.entry = st;
    if (this.#env.log.level2) this.#env.trace(`SCC enter ${name}\n`);
  }
  /** maybe_exit_scc: all paths of the loop's first state are explored. */
  exit(st: VState): void {
    const name = this.#chain(st);
    const visit = name ? this.#visits.get(name) : undefined;
    if (!visit || visit.entry !== st) return;
    const env = this.#env;
    if (env.log.level2) env.trace(`SCC exit ${name}\n`);
    visit.entry = null;
    env.numBackedges -= visit.numBackedges;
    visit.numBackedges = 0;
    env.updatePeak();
    this.#propagate(visit);
  }
  /** add_scc_backedge: `edge`, a copy of the current state, was covered by `covering` inside a loop. */
  addBackedge(covering: VState, edge: VState): void {
    const name = this.#chain(covering);
    const visit = this.#visits.get(name);
    if (!visit) return;
    const env = this.#env;
    if (env.log.level2) env.trace(`SCC backedge ${name}\n`);
    if (visit.backedges.length === 0) this.#open++;
    visit.backedges.unshift(edge);
    visit.numBackedges++;
    env.numBackedges++;
    env.updatePeak();
  }
  /** incomplete_read_marks: precision inside the loop may still grow. */
  isIncomplete(st: VState): boolean {
    if (this.#open === 0) return false;
    const name = this.#chain(st);
    return name !== "" && (this.#visits.get(name)?.backedges.length ?? 0) > 0;
  }
  #propagate(visit: Visit): void {
    const env = this.#env;
    for (let i = 0; ; i++) {
      if (i >= MAX_BACKEDGE_ITERS) {
        if (env.log.level2) env.trace("propagate_backedges: too many iterations\n");
        for (const edge of visit.backedges) markAllPrecise(env, edge);
        break;
      }
      const out = { changed: false };
      for (const edge of visit.backedges) propagatePrecision(env, edge.equalState!, edge, out);
      if (!out.changed) break;
    }
    if (visit.backedges.length > 0) this.#open--;
    visit.backedges = [];
  }
}
