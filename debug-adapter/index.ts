// The debug adapter: one session a client, over a host that reads files and compiles.
export { BeelineSession } from "./src/session.ts";
export { type Host } from "./src/host.ts";
export { type LaunchArguments, type LaunchEvent } from "./src/launch.ts";
