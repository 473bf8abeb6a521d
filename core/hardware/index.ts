// What a simulated kernel runs on: CPUs, clock, randomness, network devices. Seeded and restorable; it never looks at the real clock.
export { Hardware, type HardwareOptions, type HardwareState } from "./hardware.ts";
export { Random } from "./random.ts";
export { Nic, type NicState } from "./nic.ts";
export { timedPacketsOf, PcapReader, pcapHeader, pcapRecord } from "./pcap.ts";
