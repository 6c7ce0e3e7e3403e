/** A log looked at from outside, for `quorate wal dump` and `quorate wal verify`: nothing is changed. */
import { present } from '../base/assert.js'
import type { Hasher } from '../base/sha256.js'
import type { FileSystem } from './file-system.js'
import { readSegments } from './open.js'
import { type Recovered, type RecoveredRecord, recover } from './recovery.js'
import { ioError, WalError } from './refusal.js'
import { type Identity, readSegmentHeader } from './segment-header.js'

export interface Inspection {
  readonly recovered: Recovered
  /** Whose log it is; null: there is none, or nothing says so. */
  readonly identity: Identity | null
}

/**
 * The error says what a node would refuse the log with; then the inspection holds the records that are intact up to
 * there, and no segments. It is null only when the files could not be read.
 */
export function inspectWal(
  fs: FileSystem,
  dir: string,
  newHasher: () => Hasher,
  done: (error: WalError | null, inspection: Inspection | null) => void,
): void {
  readSegments(fs, dir, (error, files) => {
    if (error !== null || files === null) return done(ioError(present(error)), null)
    const read = files
      .map((file) => readSegmentHeader(file.bytes))
      .find(({ type }) => type === 'ok')
    const identity = read?.type === 'ok' ? read.header.identity : null
    const found: RecoveredRecord[] = []
    let recovered: Recovered
    try {
      recovered = recover(files, { identity, newHasher, found })
    } catch (thrown) {
      if (!(thrown instanceof WalError)) throw thrown
      const lastBatch = found.findLast((record) => record.kind !== 'state')?.batch ?? 0
      const intact = { segments: [], records: found, cut: null, lastBatch }
      return done(thrown, { recovered: intact, identity })
    }
    done(null, { recovered, identity })
  })
}
