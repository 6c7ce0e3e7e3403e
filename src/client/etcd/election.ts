/** Elections: one leads at a time, over a lease. They and etcdctl's `elect` of the same name exclude each other. */
import type { KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'
import { ClientError, CompactedError } from '../errors.js'
import { type Bytes, rangeRequest } from '../kv.js'
import type { Calls } from './calls.js'
import { writePlace } from './line.js'
import { type Held, type HoldOptions, hold } from './lock.js'
import { RANGE } from './methods.js'
import { Watch } from './watch.js'

export class Leadership {
  readonly #calls: Calls
  readonly #held: Held

  constructor(calls: Calls, held: Held) {
    this.#calls = calls
    this.#held = held
  }

  get key(): string {
    return this.#held.place.key
  }

  /** A fencing token: whoever leads later has a greater one. */
  get revision(): number {
    return this.#held.place.revision
  }

  /** Aborted when we lead no more, or may not: stop at once. */
  get lost(): AbortSignal {
    return this.#held.lease.lost
  }

  /** Tells observers another value. Throws `LeaseLost` when we lead no more. */
  proclaim(value: Bytes): Promise<void> {
    return writePlace(this.#calls, this.#held.place, this.#held.lease, value)
  }

  /** Lets the next one lead. */
  resign(): Promise<void> {
    return this.#held.giveBack()
  }
}

export class Election {
  readonly name: string
  readonly #calls: Calls

  constructor(calls: Calls, name: string) {
    this.#calls = calls
    this.name = name
  }

  /** Waits until we lead. `value` is what observers see. */
  async campaign(value: Bytes, options: HoldOptions = {}): Promise<Leadership> {
    return new Leadership(this.#calls, await hold(this.#calls, this.name, value, options))
  }

  /**
   * Leads, works, resigns. The signal that `work` is given is aborted when the leadership is lost and when
   * `options.signal` is: work that heeds it runs on one instance at a time. Rejects with what `work` throws.
   */
  async run<T>(
    value: Bytes,
    work: (scope: { readonly signal: AbortSignal; readonly leadership: Leadership }) => Promise<T>,
    options: HoldOptions = {},
  ): Promise<T> {
    const leadership = await this.campaign(value, options)
    const { lost } = leadership
    const signal = options.signal === undefined ? lost : AbortSignal.any([options.signal, lost])
    try {
      return await work({ signal, leadership })
    } finally {
      await leadership.resign().catch(() => {})
    }
  }

  /** Who leads, confirmed by a quorum: its key, its value; null: nobody. */
  async leader(): Promise<KeyValue | null> {
    return (await this.#look()).leader
  }

  /** Who leads, whenever it or its value changes, until the signal; what changes fast may be told only at its last. */
  async *observe(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<KeyValue> {
    let told = 0
    while (options.signal?.aborted !== true && !this.#calls.closed) {
      const { leader, revision } = await this.#look()
      if (leader !== null && leader.modRevision !== told) {
        told = leader.modRevision
        yield leader
      }
      await this.#change(revision + 1, options.signal)
    }
  }

  async #look(): Promise<{ readonly leader: KeyValue | null; readonly revision: number }> {
    const first = { sortTarget: 'create', sortOrder: 'ascend', limit: 1 } as const
    const request = rangeRequest(`${this.name}/`, { prefix: true, ...first })
    const { kvs, header } = await this.#calls.unary(RANGE, request, { repeat: 'read' })
    if (header === undefined) throw new ClientError('Unavailable', 'an answer without a header')
    return { leader: kvs[0] ?? null, revision: header.revision }
  }

  async #change(startRevision: number, signal: AbortSignal | undefined): Promise<void> {
    const scope = signal === undefined ? {} : { signal }
    const watch = new Watch(this.#calls, `${this.name}/`, {
      prefix: true,
      startRevision,
      ...scope,
    })
    try {
      await watch.next()
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error
    } finally {
      watch.close()
    }
  }
}
