/** Ids of leases, as etcdctl writes them: hex, 64 bits. */
import { usageError } from '../errors.js'

/** As the API has it: signed, in decimal. */
export function leaseIdOf(text: string, where: string): string {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text))
    throw usageError(`${where}: expected an id in hex, got ${JSON.stringify(text)}`)
  return BigInt.asIntN(64, BigInt(`0x${text}`)).toString()
}

/** A member's: unsigned. */
export function memberIdOf(text: string): string {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text))
    throw usageError(`expected a member's id in hex, got ${JSON.stringify(text)}`)
  return BigInt(`0x${text}`).toString()
}

/** As etcdctl prints a lease's: all sixteen digits. */
export function leaseText(id: string): string {
  return hexId(id).padStart(16, '0')
}

export function hexId(id: string): string {
  return BigInt.asUintN(64, BigInt(id)).toString(16)
}
