/** A log looked at from outside, for `quorate wal dump` and `quorate wal verify`: nothing is changed. */
import { present } from '../base/assert.js'
import type { Hasher } from '../base/sha256.js'
import type { FileSystem } from './file-system.js'
import { readSegments } from './open.js'
import { type Recovered, recover } from './recovery.js'
import { ioError, WalError } from './refusal.js'
import type { Identity } from './segment-header.js'

export interface Inspection {
  readonly recovered: Recovered
  /** Whose log it is; null: there is none. */
  readonly identity: Identity | null
}

/** The error says what a node would refuse the log with. */
export function inspectWal(
  fs: FileSystem,
  dir: string,
  newHasher: () => Hasher,
  done: (error: WalError | null, inspection: Inspection | null) => void,
): void {
  readSegments(fs, dir, (error, files) => {
    if (error !== null || files === null) return done(ioError(present(error)), null)
    try {
      const recovered = recover(files, { identity: null, newHasher })
      done(null, { recovered, identity: recovered.segments[0]?.header.identity ?? null })
    } catch (thrown) {
      if (!(thrown instanceof WalError)) throw thrown
      done(thrown, null)
    }
  })
}
