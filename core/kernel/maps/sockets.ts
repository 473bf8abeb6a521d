// Maps that hold sockets: XSKMAP, SOCKMAP, SOCKHASH, REUSEPORT_SOCKARRAY (net/core/sock_map.c, kernel/bpf/reuseport_array.c, net/xdp/xskmap.c, 6.18). They move no data.
import { E2BIG, EBADF, EEXIST, EINVAL, ENOENT, ENOSPC, EOPNOTSUPP } from "../errno.ts";
import type { MapSpec } from "../../object/index.ts";
import { SimSocket } from "../objects/index.ts";
import { indexBytes, nextIndex, u32 } from "./array.ts";
import { BPF_EXIST, BPF_NOEXIST, BpfMap, bytesOfKey, keyOf, keyOfBytes, type MapHost, type SysResult } from "./map.ts";

/** What differs between the types that have an index for a key. */
interface SocketErrors {
  readonly lookup: number;
  readonly deleteAbsent: number;
  readonly deleteLarge: number;
  /** The index is checked before the descriptor. */
  readonly largeFirst: boolean;
  /** A number that can be no descriptor is invalid, not bad. */
  readonly checksFd: boolean;
}
export const XSK: SocketErrors = { lookup: EOPNOTSUPP, deleteAbsent: 0, deleteLarge: EINVAL, largeFirst: true, checksFd: false };
export const SOCK: SocketErrors = { lookup: ENOSPC, deleteAbsent: EINVAL, deleteLarge: EINVAL, largeFirst: false, checksFd: true };
export const REUSEPORT: SocketErrors = { lookup: ENOSPC, deleteAbsent: ENOENT, deleteLarge: E2BIG, largeFirst: true, checksFd: false };

/** Sockets by some key. */
export abstract class SocketMapBase extends BpfMap {
  protected sockets: ReadonlyMap<number | string, SimSocket> = new Map();

  protected socketOf(value: Uint8Array): SimSocket | number {
    const object = this.host.objectByFd(u32(value) | 0);
    return object instanceof SimSocket ? object : -EBADF;
  }
  protected set(key: number | string, socket: SimSocket | undefined): void {
    const next = new Map(this.sockets);
    if (socket) next.set(key, socket);
    else next.delete(key);
    this.sockets = next;
  }
  /** The socket under the key at an offset of memory. */
  socketAt(keyAt: number): SimSocket | undefined {
    return this.sockets.get(keyOf(this.host.memory, keyAt, this.keySize));
  }
  holds(socket: SimSocket): boolean {
    return [...this.sockets.values()].includes(socket);
  }
  has(index: number): boolean {
    return this.sockets.has(index);
  }
  lookup(keyAt: number): number {
    return this.socketAt(keyAt)?.view.start ?? 0;
  }
  /** Puts a socket that a program holds into the map (sock_map_update_elem, bpf_sock_map_update). */
  abstract store(key: Uint8Array, socket: SimSocket, flags: number): number;

  protected cookieOf(socket: SimSocket): Uint8Array {
    const out = new Uint8Array(8);
    new DataView(out.buffer).setBigUint64(0, socket.cookie, true);
    return out;
  }
  override entries(): { key: Uint8Array; valueAt: number }[] {
    return [...this.sockets].map(([k, s]) => ({ key: bytesOfKey(k, this.keySize), valueAt: s.view.start }));
  }
  override save(): unknown {
    return [this.frozen, this.sockets];
  }
  override restore(state: unknown): void {
    [this.frozen, this.sockets] = state as [boolean, ReadonlyMap<number | string, SimSocket>];
  }
}

/** XSKMAP, SOCKMAP and REUSEPORT_SOCKARRAY: by index. */
export class SocketMap extends SocketMapBase {
  readonly #errors: SocketErrors;
  constructor(id: number, spec: MapSpec, host: MapHost, errors: SocketErrors) {
    super(id, spec, host);
    this.#errors = errors;
  }
  override sysLookup(key: Uint8Array): SysResult {
    if (this.#errors.lookup === EOPNOTSUPP) return -EOPNOTSUPP;
    if (this.valueSize !== 8) return -ENOSPC;
    const socket = this.sockets.get(u32(key) | 0);
    return socket ? this.cookieOf(socket) : -ENOENT;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    const large = u32(key) >= this.spec.maxEntries;
    if (!this.#errors.checksFd && flags > BPF_EXIST) return -EINVAL;
    if (this.#errors.largeFirst && large) return -E2BIG;
    if (this.#errors.checksFd && u32(value) > 0x7fffffff) return -EINVAL;
    const socket = this.socketOf(value);
    return typeof socket === "number" ? socket : this.store(key, socket, flags);
  }
  store(key: Uint8Array, socket: SimSocket, flags: number): number {
    if (this.#errors.checksFd && !mayBeIn(socket)) return -EOPNOTSUPP;
    if (flags > BPF_EXIST) return -EINVAL;
    if (u32(key) >= this.spec.maxEntries) return -E2BIG;
    const there = this.sockets.has(u32(key) | 0);
    if (there && flags === BPF_NOEXIST) return -EEXIST;
    if (!there && flags === BPF_EXIST) return -ENOENT;
    this.set(u32(key) | 0, socket);
    return 0;
  }
  delete(key: Uint8Array): number {
    if (u32(key) >= this.spec.maxEntries) return -this.#errors.deleteLarge;
    if (!this.sockets.has(u32(key) | 0)) return -this.#errors.deleteAbsent;
    this.set(u32(key) | 0, undefined);
    return 0;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    return nextIndex(key, this.spec.maxEntries);
  }
  override entries(): { key: Uint8Array; valueAt: number }[] {
    return Array.from({ length: this.spec.maxEntries }, (_, i) => ({ key: indexBytes(i), valueAt: this.sockets.get(i)?.view.start ?? 0 }));
  }
}

/** SOCKHASH: any key. Order of iteration is that of insertion, which the kernel leaves undefined. */
export class SockHashMap extends SocketMapBase {
  override sysLookup(key: Uint8Array): SysResult {
    if (this.valueSize !== 8) return -ENOSPC;
    const socket = this.sockets.get(keyOfBytes(key));
    return socket ? this.cookieOf(socket) : -ENOENT;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (u32(value) > 0x7fffffff) return -EINVAL;
    const socket = this.socketOf(value);
    return typeof socket === "number" ? socket : this.store(key, socket, flags);
  }
  store(key: Uint8Array, socket: SimSocket, flags: number): number {
    if (!mayBeIn(socket)) return -EOPNOTSUPP;
    if (flags > BPF_EXIST) return -EINVAL;
    const k = keyOfBytes(key);
    const there = this.sockets.has(k);
    if (there && flags === BPF_NOEXIST) return -EEXIST;
    if (!there && flags === BPF_EXIST) return -ENOENT;
    if (!there && this.sockets.size >= this.spec.maxEntries) return -E2BIG;
    this.set(k, socket);
    return 0;
  }
  delete(key: Uint8Array): number {
    const k = keyOfBytes(key);
    if (!this.sockets.has(k)) return -ENOENT;
    this.set(k, undefined);
    return 0;
  }
  nextKey(key: Uint8Array | undefined): SysResult {
    const keys = [...this.sockets.keys()];
    const next = keys[(key ? keys.indexOf(keyOfBytes(key)) : -1) + 1];
    return next === undefined ? -ENOENT : bytesOfKey(next, this.keySize);
  }
}

/** Sockets that a sockmap takes: connected or listening TCP, UDP with a port, and others (sock_map_sk_state_allowed). */
function mayBeIn(socket: SimSocket): boolean {
  if (socket.isTcp) return socket.state === 1 || socket.state === 10;
  return socket.protocol !== 17 || socket.localPort !== 0;
}
