// All cases that are run here and by the running kernel. Data only.
import type { RunCase } from "../run-cases.ts";
import { SKB_CASES } from "./skb.ts";

export const CASES: readonly RunCase[] = [...SKB_CASES];
