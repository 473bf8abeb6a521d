// What older kernels lack and libbpf 1.5 works around (enum kern_feature_id), by the version that brought it and the capability that its probe needs. It works around nothing.
import { capabilitiesOf, type Capabilities, type Caps } from "./caps.ts";

/** First version of Linux that has each, as LINUX_KERNEL_VERSION without the last number. */
const SINCE = {
  EXP_ATTACH_TYPE: [4, 17],
  BTF: [4, 18],
  BTF_FUNC: [5, 0],
  GLOBAL_DATA: [5, 2],
  BTF_DATASEC: [5, 2],
  ARRAY_MMAP: [5, 5],
  PROBE_READ_KERN: [5, 5],
  BTF_GLOBAL_FUNC: [5, 6],
  BTF_FLOAT: [5, 13],
  BTF_DECL_TAG: [5, 16],
  BTF_TYPE_TAG: [5, 17],
  BTF_ENUM64: [6, 0],
  UPROBE_MULTI_LINK: [6, 6],
  BTF_QMARK_DATASEC: [6, 9],
} as const;
export type Feature = keyof typeof SINCE;
/** Answers whether the kernel that an object is loaded for has a feature. */
export type Features = (feature: Feature) => boolean;

/** libbpf finds these by loading a program of a type that asks for a capability: without it, the kernel seems to lack them. */
const PROBE_NEEDS: Partial<Record<Feature, keyof Capabilities>> = { EXP_ATTACH_TYPE: "netAdmin", PROBE_READ_KERN: "perfmon" };

/** Features that a loader with these capabilities finds in a version (major << 16 | minor << 8 | patch). */
export const featuresOf =
  (version: number, caps: Caps = "full"): Features =>
  (feature) => {
    const [major, minor] = SINCE[feature];
    const needs = PROBE_NEEDS[feature];
    return version >= ((major << 16) | (minor << 8)) && (needs === undefined || capabilitiesOf(caps)[needs]);
  };

/** The number of a version such as `6.1` or `5.15.148`; undefined for other texts. */
export function kernelVersionNumber(text: string): number | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?$/.exec(text);
  return m === null ? undefined : (Number(m[1]) << 16) | (Number(m[2]) << 8) | Math.min(255, Number(m[3] ?? 0));
}
