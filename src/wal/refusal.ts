/** Why a log cannot be opened. Never guessed away: each says what, where, and what to do. */
import type { FileError } from './file-system.js'

export type RefusalCode =
  | 'WAL_CORRUPT'
  | 'WAL_FOREIGN'
  | 'WAL_NEWER_FORMAT'
  | 'WAL_OLDER_FORMAT'
  | 'WAL_IO'
  | 'SNAPSHOT_CORRUPT'

export interface Refusal {
  readonly code: RefusalCode
  readonly file: string
  readonly offset: number
  readonly problem: string
  readonly advice: string
  /** Log indices that may be damaged: above `after`, up to `through` (null: not known). Null where none are told. */
  readonly entries: { readonly after: number; readonly through: number | null } | null
}

export class WalError extends Error {
  override readonly name = 'WalError'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    const { code, file, offset, problem, advice } = refusal
    super(
      `${code}: ${file} at byte ${offset}: ${problem}${entriesText(refusal.entries)}. ${advice}`,
    )
    this.refusal = refusal
  }
}

function entriesText(entries: Refusal['entries']): string {
  if (entries === null) return ''
  const { after, through } = entries
  return through === null ? ` (entries after ${after})` : ` (entries ${after + 1} to ${through})`
}

export function corrupt(
  file: string,
  offset: number,
  problem: string,
  entries: Refusal['entries'] = null,
): WalError {
  return new WalError({
    code: 'WAL_CORRUPT',
    file,
    offset,
    problem,
    entries,
    advice:
      'What was on disk has changed, so the node refuses to guess. Look with `quorate wal verify DIR`; ' +
      'put back a copy of the file, or replace the node by a new member',
  })
}

export function ioError(error: FileError): WalError {
  return new WalError({
    code: 'WAL_IO',
    file: error.path,
    offset: 0,
    problem: error.message,
    entries: null,
    advice: 'Check the disk, its free space and the permissions of the data directory',
  })
}
