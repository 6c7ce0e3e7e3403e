/** How one protocol's records are shown. */

export interface Shown {
  readonly json: Record<string, unknown>
  readonly line: string
}

export interface LogWords {
  readonly protocol: 'raft' | 'pbft'
  /** The records in one batch's bytes; null: these are none of this protocol. */
  decode(payload: Uint8Array): readonly Shown[] | null
  /** What recovery puts in the place of damage; null: `shape` is none of this protocol. */
  lost(shape: Uint8Array): Shown | null
}
