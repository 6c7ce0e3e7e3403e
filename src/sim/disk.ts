/** A disk that loses what was not synced when the power goes; the log is kept as whole batches for now. */
import type { SnapshotMeta } from '../consensus/contract.js'
import type { WalPort } from '../driver/ports.js'
import type { World } from './world.js'

export type CrashKind = 'process' | 'power'

export interface OpenedDisk {
  readonly payloads: readonly Uint8Array[]
  readonly lastBatch: number
  readonly wal: WalPort
}

export class SimDisk {
  readonly #world: World
  readonly #options: { readonly syncMs: () => number; readonly segmentBytes: number }
  #batches: { batch: number; payload: Uint8Array }[] = []
  #synced = 0
  #generation = 0
  readonly #snapshots = new Map<string, Uint8Array>()

  constructor(
    world: World,
    options: { readonly syncMs: () => number; readonly segmentBytes: number },
  ) {
    this.#world = world
    this.#options = options
  }

  open(done: (opened: OpenedDisk) => void): void {
    const generation = ++this.#generation
    this.#world.after(1, () => {
      if (generation !== this.#generation) return
      this.#synced = this.#batches.length
      done({
        payloads: this.#batches.map((one) => one.payload),
        lastBatch: this.#batches.at(-1)?.batch ?? 0,
        wal: {
          append: (batch, payload) => {
            if (generation === this.#generation)
              this.#batches.push({ batch, payload: payload.slice() })
          },
          sync: (callback) => {
            const covered = this.#batches.length
            const batch = this.#batches.at(-1)?.batch ?? 0
            this.#world.after(this.#world.exponential(this.#options.syncMs()), () => {
              if (generation !== this.#generation) return
              this.#synced = Math.max(this.#synced, covered)
              callback(batch)
            })
          },
          release: () => {},
        },
      })
    })
  }

  crash(how: CrashKind): void {
    this.#generation++
    if (how === 'process') return
    const kept = this.#world.int(this.#synced, this.#batches.length)
    this.#batches.length = kept
  }

  writeSnapshot(meta: SnapshotMeta, bytes: Uint8Array, done: () => void): void {
    const generation = this.#generation
    this.#world.after(this.#world.exponential(2 * this.#options.syncMs()), () => {
      if (generation !== this.#generation) return
      this.#snapshots.set(`${meta.index}-${meta.digest}`, bytes)
      done()
    })
  }

  readSnapshot(meta: SnapshotMeta): Uint8Array | null {
    return this.#snapshots.get(`${meta.index}-${meta.digest}`) ?? null
  }
}
