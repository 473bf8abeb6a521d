// What dist/ is made of: the entry point of each bundle and the packages whose files lie beside them. It builds nothing.

/** Bundle name -> entry point. */
export const BUNDLES = {
  extension: "client/src/extension.ts",
  server: "server/src/main.ts",
  worker: "server/src/worker/main.ts",
  "debug-adapter": "debug-adapter/src/main.ts",
  cli: "server/src/cli/main.ts",
};

/** Packages of which compiled parts are shipped without being bundled: grammars, and the runtime in the scalar domain. */
export const BESIDE = ["web-tree-sitter", "tree-sitter-c", "assemblyscript"];
