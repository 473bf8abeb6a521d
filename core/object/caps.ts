// What a loader may do: the capability modes that objects are loaded and programs verified for. It decides nothing.

/** All capabilities; all but CAP_PERFMON and CAP_SYS_ADMIN; CAP_BPF alone; none, where the kernel lets such loaders in at all (unprivileged_bpf_disabled=0). */
export const CAPS = ["full", "noperfmon", "bpf", "unprivileged"] as const;
export type Caps = (typeof CAPS)[number];

/** The capabilities that the kernel asks loaders for; CAP_SYS_ADMIN goes with CAP_PERFMON here. */
export interface Capabilities {
  readonly bpf: boolean;
  readonly perfmon: boolean;
  readonly netAdmin: boolean;
}
/** The capabilities of a mode. */
export const capabilitiesOf = (caps: Caps): Capabilities => ({
  bpf: caps !== "unprivileged",
  perfmon: caps === "full",
  netAdmin: caps === "full" || caps === "noperfmon",
});

/** The mode of that name, undefined for other texts. */
export const capsByName = (name: string): Caps | undefined => CAPS.find((c) => c === name);
