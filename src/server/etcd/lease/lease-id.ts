import { randomBytes } from 'node:crypto'

/** Nothing random may be decided where commands are applied, so an id that the client leaves open is chosen here. */
export function freeLeaseId(): string {
  const id = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE())
  return String(id === 0n ? 1n : id)
}
