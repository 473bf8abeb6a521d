// Open files: struct file, its inode and dentry, by path. They have no contents.
import type { Region } from "../../vm/index.ts";
import type { KernelPart, ObjectStore } from "./kobject.ts";
import type { SimSocket } from "./sockets.ts";

/** An open file; `socket` when it is one. */
export interface SimFile {
  readonly path: string;
  readonly ino: number;
  readonly socket?: SimSocket;
}
interface Entry {
  readonly file: SimFile;
  readonly region: Region;
  readonly inode: Region;
}
const FIRST_INO = 1000;
const S_IFREG = 0o100644;

export class Files implements KernelPart {
  readonly #store: ObjectStore;
  #entries: ReadonlyMap<string, Entry> = new Map();
  constructor(store: ObjectStore) {
    this.#store = store;
  }
  /** The file of this path; the same path gives the same file. */
  open(path: string, socket?: SimSocket): SimFile {
    const there = this.#entries.get(path);
    if (there) return there.file;
    const store = this.#store;
    const file: SimFile = { path, ino: FIRST_INO + this.#entries.size, ...(socket ? { socket } : {}) };
    const inode = store.make("inode", { owner: file, name: `inode of ${path}` });
    store.fill(inode, "inode", { i_ino: file.ino, i_mode: S_IFREG, i_nlink: 1 });
    const name = store.memory.alloc("object", `name ${path}`, path.length + 1, { writable: false });
    const base = path.slice(path.lastIndexOf("/") + 1);
    store.memory.write(
      name.start,
      Uint8Array.from(base, (c) => c.charCodeAt(0)),
    );
    const dentry = store.fill(store.make("dentry", { owner: file }), "dentry", {
      d_inode: inode,
      "d_name.name": name,
      "d_name.len": base.length,
    });
    const region = store.make("file", { owner: file, name: `file ${path}` });
    store.fill(region, "file", { f_inode: inode, "f_path.dentry": dentry });
    this.#entries = new Map(this.#entries).set(path, { file, region, inode });
    return file;
  }
  /** struct file of a file. */
  region(file: SimFile): Region {
    this.open(file.path, file.socket);
    return this.#entries.get(file.path)!.region;
  }
  inode(file: SimFile): Region {
    this.open(file.path, file.socket);
    return this.#entries.get(file.path)!.inode;
  }
  /** The file that an offset of memory belongs to: its struct file, inode or dentry. */
  at(offset: number): SimFile | undefined {
    const owner = this.#store.memory.regionAt(offset)?.owner as SimFile | undefined;
    return owner && this.#entries.get(owner.path)?.file === owner ? owner : undefined;
  }
  save(): unknown {
    return this.#entries;
  }
  restore(state: unknown): void {
    this.#entries = state as ReadonlyMap<string, Entry>;
  }
}
