// The debug adapter: one session a client, over a host that reads files and compiles.
export { BeelineSession } from "./session.ts";
export { type Host } from "./host.ts";
export { type LaunchArguments, type LaunchEvent } from "./launch.ts";
export { packets, packetsOf } from "./pcap.ts";
