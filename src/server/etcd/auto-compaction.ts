/** Compaction by itself, as etcd does it: what is older than so long, or than so many revisions. Only who leads does it. */
import { CompactionRequest } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag, encodeCommand } from '../../machine/kv/commands.js'
import type { EtcdDoor } from './door.js'

export type Retention =
  | { readonly mode: 'periodic'; readonly ms: number }
  | { readonly mode: 'revision'; readonly revisions: number }

/** Between two compactions by revision; a periodic one comes each period, or each hour if that is shorter. */
const REVISION_MODE_MS = 5 * 60_000
const PERIOD_MS_MAX = 3_600_000
/** How often in a period the revision is noted: so much later than asked for is given up at most. */
const NOTES_PER_PERIOD = 10

export interface CompactionParts {
  readonly door: EtcdDoor
  readonly store: { readonly revision: number; readonly compactRevision: number }
  leads(): boolean
  /** Told of what came of it. */
  compacted?(revision: number): void
}

export class AutoCompaction {
  readonly #parts: CompactionParts
  readonly #retention: Retention
  /** When the store had come to which revision; oldest first, from one that is old enough on. */
  #notes: { readonly at: number; readonly revision: number }[] = []
  #last: number
  #asking = false

  /** `now`: ms of a monotonic clock, as `tick` is told it. */
  constructor(parts: CompactionParts, retention: Retention, now: number) {
    this.#parts = parts
    this.#retention = retention
    this.#last = now
  }

  /** To be called now and then. */
  tick(now: number): void {
    if (this.#retention.mode === 'revision') {
      if (now - this.#last >= REVISION_MODE_MS)
        this.#compact(this.#parts.store.revision - this.#retention.revisions, now)
      return
    }
    const { ms } = this.#retention
    const notes = this.#notes
    const newest = notes[notes.length - 1]
    // On every member, since any may lead next.
    if (newest === undefined || now - newest.at >= Math.min(ms, PERIOD_MS_MAX) / NOTES_PER_PERIOD)
      notes.push({ at: now, revision: this.#parts.store.revision })
    while (notes[1] !== undefined && now - notes[1].at >= ms) notes.shift()
    const [oldest] = notes
    if (oldest === undefined || now - oldest.at < ms) return
    if (now - this.#last >= Math.min(ms, PERIOD_MS_MAX)) this.#compact(oldest.revision, now)
  }

  #compact(revision: number, now: number): void {
    const { door, store } = this.#parts
    if (this.#asking || !this.#parts.leads() || !door.serving()) return
    this.#last = now
    if (revision <= Math.max(1, store.compactRevision)) return
    const request = CompactionRequest.encode({ revision, physical: false }).finish()
    this.#asking = true
    // What comes to nothing, or came too late, is done by the next.
    void door
      .submit(encodeCommand(CommandTag.COMPACT, request), door.commandTimeoutMs)
      .then((outcome) => {
        if (outcome.type === 'Result' && outcome.result[0] === 0) this.#parts.compacted?.(revision)
      })
      .finally(() => {
        this.#asking = false
      })
  }
}
