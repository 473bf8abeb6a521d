// The toolchain as the server's compile function: picks the messages that concern the open document. It runs no compiler itself.
import { resolve } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { openBtf } from "../../../core/object/index.ts";
import type { InitializationOptions } from "../../protocol/index.ts";
import { compileC, vmlinuxOf } from "../toolchain/index.ts";
import type { CompileDiagnostic, ToolchainSettings } from "../toolchain/index.ts";
import type { CompileWith, CompilerMessage } from "./compile.ts";
import { packedKernelTypes, toolchainPaths } from "./toolchain-paths.ts";

/** The message at its line of `path`; one of another file stands where that file was included, and names its own place. */
function localised(path: string, d: CompileDiagnostic): CompilerMessage | undefined {
  const { severity, message, line, column, notes } = d;
  const flag = d.flag === undefined ? "" : ` [${d.flag}]`;
  if (resolve(d.file) === path) return { severity, message: message + flag, line, column, notes };
  const here = d.notes.find((n) => resolve(n.file) === path);
  if (severity !== "error" && !here) return undefined;
  return { severity, message: `${d.file}:${line}: ${message}${flag}`, line: here?.line ?? 1, column: here?.column ?? 1, notes };
}

/** Makes vmlinux.h of the bundled types, when a program includes it and there is none. */
function vmlinux(): Pick<ToolchainSettings, "vmlinux"> {
  const packed = packedKernelTypes();
  return packed ? { vmlinux: vmlinuxOf(packed, () => openBtf(brotliDecompressSync(packed))) } : {};
}

/** Compiles with the user's clang, found by the setting or on the PATH. */
export function clangCompiler(options: InitializationOptions): CompileWith {
  const settings: ToolchainSettings = {
    ...toolchainPaths(),
    ...vmlinux(),
    ...(options.clang ? { clangPath: options.clang } : {}),
    ...(options.includePaths?.length ? { includePaths: options.includePaths } : {}),
    ...(options.flags?.length ? { extraFlags: options.flags } : {}),
    ...(options.roots ? { workspaceRoots: options.roots } : {}),
  };
  return async (path, text, signal, overlays) => {
    const result = await compileC({ file: path, text, overlays, settings, signal });
    const diagnostics = result.diagnostics.flatMap((d) => localised(path, d) ?? []);
    return {
      object: result.ok ? result.object : undefined,
      diagnostics,
      failure: result.ok ? undefined : result.missing ? diagnostics[0]?.message : "the file does not compile",
    };
  };
}
