// Numbers that must not be mixed up get a type of their own. It holds types only.
declare const brand: unique symbol;
export type Brand<T, B extends string> = T & { readonly [brand]: B };
/** Index of an 8-byte instruction slot in a program. */
export type InsnIdx = number;
/** Id of a type in a BTF blob; 0 is void. */
export type BtfId = number;
/** An offset or size in bytes. */
export type OffBytes = number;
