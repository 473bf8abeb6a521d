// The server has no face as a library: its entry points are main.ts, worker/main.ts and cli/main.ts.
export {};
