export { BeelineSession } from "./session.ts";
export { type Host } from "./host.ts";
export { type LaunchArguments, type LaunchEvent } from "./launch.ts";
export { packets, packetsOf } from "./pcap.ts";
