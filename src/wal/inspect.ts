/** A log looked at from outside, for `quorate wal dump` and `quorate wal verify`: nothing is changed. */
import { present } from '../base/assert.js'
import type { Hasher } from '../base/sha256.js'
import type { FileSystem } from './file-system.js'
import { heal } from './heal.js'
import { readSegments } from './open.js'
import { type Recovered, recovered } from './recovery.js'
import { ioError, WalError } from './refusal.js'
import { type Identity, readSegmentHeader } from './segment-header.js'
import { survey } from './survey.js'

export interface Inspection {
  /** What is intact and believed, also of a log that is refused. */
  readonly recovered: Recovered
  /** Whose log it is; null: there is none. */
  readonly identity: Identity | null
}

/**
 * The error says what a node would refuse the log with. The inspection is null when the files could not be read, or are
 * not for this version to read.
 */
export function inspectWal(
  fs: FileSystem,
  dir: string,
  newHasher: () => Hasher,
  done: (error: WalError | null, inspection: Inspection | null) => void,
): void {
  readSegments(fs, dir, (error, files) => {
    if (error !== null || files === null) return done(ioError(present(error)), null)
    let identity: Identity | null = null
    for (const { bytes } of files) {
      const read = readSegmentHeader(bytes)
      if (read.type === 'ok') identity ??= read.header.identity
    }
    let result: { readonly refusal: WalError | null; readonly inspection: Inspection }
    try {
      const surveyed = survey(files, { identity, newHasher })
      const healed = heal(surveyed)
      const inspection = { recovered: recovered(surveyed, healed), identity }
      result = { refusal: healed.refusal, inspection }
    } catch (thrown) {
      if (!(thrown instanceof WalError)) throw thrown
      return done(thrown, null)
    }
    done(result.refusal, result.inspection)
  })
}
