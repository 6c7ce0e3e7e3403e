/**
 * The keep-alives of all streams of a node, ordered as commands of many: what came within a turn of the event loop
 * travels as one, and while commands are under way, what comes waits for the next.
 */
import { LeaseKeepAlives, LeaseKeepAlivesResponse } from '../../../gen/quorate/kv/v1/kv.js'
import { CommandTag, encodeCommand } from '../../../machine/kv/commands.js'
import { KEEP_ALIVES_MAX } from '../../../machine/kv/validate.js'
import { Code, RpcError } from '../../../rpc/status.js'
import { answerOf } from '../commands.js'
import type { EtcdDoor } from '../door.js'

export type KeptAlive =
  /** `ttl`: seconds from now on; 0: there is no such lease. */
  { readonly ttl: number; readonly revision: number } | RpcError

/** Commands under way at once. */
const INFLIGHT_MAX = 4
/** Keep-alives that wait; one more is refused. */
const WAITING_MAX = 200_000

interface Waiting {
  readonly id: string
  readonly done: (outcome: KeptAlive) => void
}

export class KeepAlives {
  readonly #door: EtcdDoor
  readonly #soon: (task: () => void) => void
  #waiting: Waiting[] = []
  #due = false
  #inflight = 0

  constructor(door: EtcdDoor, soon: (task: () => void) => void) {
    this.#door = door
    this.#soon = soon
  }

  /** `done` runs once, later. */
  ask(id: string, done: (outcome: KeptAlive) => void): void {
    if (this.#waiting.length >= WAITING_MAX) {
      const error = new RpcError(Code.RESOURCE_EXHAUSTED, 'etcdserver: too many requests')
      this.#soon(() => done(error))
      return
    }
    this.#waiting.push({ id, done })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#due || this.#inflight >= INFLIGHT_MAX || this.#waiting.length === 0) return
    this.#due = true
    this.#soon(() => {
      this.#due = false
      const batch = this.#waiting.slice(0, KEEP_ALIVES_MAX)
      this.#waiting = this.#waiting.slice(KEEP_ALIVES_MAX)
      this.#inflight++
      void this.#order(batch).finally(() => {
        this.#inflight--
        this.#schedule()
      })
      this.#schedule()
    })
  }

  async #order(batch: readonly Waiting[]): Promise<void> {
    const ids = batch.map(({ id }) => id)
    const message = LeaseKeepAlives.encode({ ids }).finish()
    const command = encodeCommand(CommandTag.LEASE_KEEP_ALIVE, message)
    try {
      const outcome = await this.#door.submit(command, this.#door.commandTimeoutMs)
      const { header, ttls } = LeaseKeepAlivesResponse.decode(answerOf(outcome))
      const revision = header?.revision ?? 0
      for (const [i, { done }] of batch.entries()) done({ ttl: ttls[i] ?? 0, revision })
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      for (const { done } of batch) done(error)
    }
  }
}
