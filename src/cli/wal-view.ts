/** A node's log, read from outside and shown record by record, in the words of the protocol that wrote it. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Sha256 } from '../base/sha256.js'
import { nodeFileSystem } from '../node/file-system.js'
import { type Inspection, inspectWal } from '../wal/inspect.js'
import type { WalError } from '../wal/refusal.js'
import { CliError, EXIT, usageError } from './errors.js'
import { pbftWords } from './wal-view/pbft.js'
import { raftWords } from './wal-view/raft.js'
import type { LogWords, Shown } from './wal-view/words.js'

type Item = Inspection['recovered']['items'][number]
type Lost = Extract<Item, { readonly kind: 'lost' }>
export type RecoveredRecord = Exclude<Item, Lost>

export interface Inspected extends Inspection {
  /** What a node would refuse the log with; null: it would start, with the help of its peers where it is damaged. */
  readonly refusal: WalError | null
}

/** The folder with the segments: the one given, or `wal` in it. Throws CliError. */
export function walFolder(dir: string): string {
  const path = resolve(dir)
  if (!existsSync(path)) throw usageError(`wal: there is no folder ${path}`)
  if (!statSync(path).isDirectory()) throw usageError(`wal: ${path} is a file, not a folder`)
  const inner = join(path, 'wal')
  return existsSync(inner) ? inner : path
}

/** Throws CliError: 8 when the log cannot be read, 7 when it is not for this version to read, 2 when there is none. */
export function inspect(dir: string): Promise<Inspected> {
  return new Promise((done, reject) => {
    inspectWal(
      nodeFileSystem,
      dir,
      () => new Sha256(),
      (error, inspection) => {
        if (inspection !== null && inspection.recovered.segments.length > 0)
          done({ ...inspection, refusal: error })
        else if (error !== null) reject(new CliError(exitCodeOf(error), error.message))
        else reject(usageError(`wal: there is no log in ${dir}`))
      },
    )
  })
}

function exitCodeOf(error: WalError): number {
  return error.refusal.code === 'WAL_IO' ? EXIT.disk : EXIT.dataRefused
}

const WORDS: readonly LogWords[] = [raftWords, pbftWords]

/**
 * Of the protocol that wrote the log: the one that understands most of it from its start. No file says which, and no
 * record of the one is a record of the other down to its last byte.
 */
export function wordsOf(items: readonly Item[]): LogWords {
  const records = items.filter(holdsRecords)
  const understood = (words: LogWords): number => {
    const first = records.findIndex((record) => words.decode(record.payload) === null)
    return first === -1 ? records.length : first
  }
  return WORDS.reduce((best, words) => (understood(words) > understood(best) ? words : best))
}

/** Shapes and marks hold none of the protocol's. */
function holdsRecords(item: Item): item is RecoveredRecord {
  return item.kind !== 'lost' && item.kind !== 'shape' && item.kind !== 'mark'
}

/** What a record's bytes mean; refuses bytes that mean nothing. */
export function decoded(record: RecoveredRecord, words: LogWords): readonly Shown[] {
  if (!holdsRecords(record)) return []
  const shown = words.decode(record.payload)
  if (shown !== null) return shown
  throw new CliError(
    EXIT.dataRefused,
    `${record.file} at byte ${record.offset}: its checksum is right, but it is no record of ${words.protocol}: written by another version?`,
  )
}

/** What stands in the place of a damaged stretch. */
export function lostRecord(item: Lost, words: LogWords): Shown {
  const lost = words.lost(item.shape)
  if (lost !== null) return lost
  throw new CliError(
    EXIT.dataRefused,
    `the shape behind a damaged stretch is none of ${words.protocol}`,
  )
}
