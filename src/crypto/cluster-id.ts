/** The name that a cluster has in handshakes and signatures. */
import { createHash } from 'node:crypto'

/** The first 16 hex digits of a hash over the token and the initial members' names. */
export function clusterIdOf(token: string, names: readonly string[]): string {
  const hash = createHash('sha256').update(token)
  for (const name of [...names].sort()) hash.update('\0').update(name)
  return hash.digest('hex').slice(0, 16)
}
