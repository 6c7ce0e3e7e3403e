/** A node as clients reach it: commands and queries in, answers out, unless the way is cut. */
import { present } from '../../base/assert.js'
import type { ReplyOutcome } from '../../client/core/state.js'
import type { Request } from '../../consensus/contract.js'
import type { Driver } from '../../driver/driver.js'
import type { ReadOutcome } from '../../driver/outcomes.js'
import type { AskOptions } from '../../driver/setup.js'
import type { SimMachine } from '../machine.js'
import { sessionCodec } from '../sessions.js'
import type { Life } from './life.js'

/** Which way nothing passes between the clients and the node. */
export type ClientCut = 'none' | 'requests' | 'replies' | 'both'

type Reply = (outcome: ReplyOutcome) => void

export class Door<M extends { readonly type: string }, R> {
  readonly #life: Life
  readonly #now: () => number
  readonly #driver: () => Driver<M, R> | null
  readonly #machine: () => SimMachine | null
  readonly #nonce: () => number
  readonly #forward: boolean
  readonly #submitted: (request: Request) => (outcome: ReplyOutcome) => void
  cut: ClientCut = 'none'

  constructor(parts: {
    readonly life: Life
    readonly now: () => number
    readonly driver: () => Driver<M, R> | null
    readonly machine: () => SimMachine | null
    /** A number that no other request has. */
    readonly nonce: () => number
    /** Where another node leads, hand on to it what clients ask. */
    readonly forward: boolean
    /** Told what becomes of it. */
    readonly submitted: (request: Request) => (outcome: ReplyOutcome) => void
  }) {
    this.#life = parts.life
    this.#now = parts.now
    this.#driver = parts.driver
    this.#machine = parts.machine
    this.#nonce = parts.nonce
    this.#forward = parts.forward
    this.#submitted = parts.submitted
  }

  command(request: Request, deadlineMs: number, reply: Reply): void {
    this.#admit(reply, (driver, answer) => {
      const heard = this.#submitted(request)
      driver.submit(request, this.#within(deadlineMs), (outcome) => {
        // Of a node that is dying nobody hears a word.
        if (this.#life.alive) heard(outcome)
        answer(outcome)
      })
    })
  }

  /** Requests pass. */
  get hears(): boolean {
    return this.cut === 'none' || this.cut === 'replies'
  }

  /** Answers pass. */
  get tells(): boolean {
    return this.cut === 'none' || this.cut === 'requests'
  }

  query(query: Uint8Array, deadlineMs: number, reply: Reply): void {
    this.#admit(reply, (driver, answer) => {
      const asked = this.#within(deadlineMs)
      driver.read(asked, (outcome) => {
        if (outcome.type === 'Unsupported') this.#ordered(driver, query, asked, answer)
        else answer(this.#answered(query, outcome))
      })
    })
  }

  /** Where no single replica can be believed a read is ordered like a command. */
  #ordered(driver: Driver<M, R>, query: Uint8Array, asked: AskOptions, answer: Reply): void {
    // Nobody else's: two reads under one id would share one answer.
    const id = { session: 0, seq: this.#nonce(), ackedThrough: 0 }
    driver.submit({ ...id, command: query, readOnly: true }, asked, (outcome) => {
      if (outcome.type !== 'Answer') return answer(outcome)
      answer({ type: 'Answer', bytes: sessionCodec.content(outcome.bytes) })
    })
  }

  #within(deadlineMs: number): AskOptions {
    return { deadline: this.#now() + deadlineMs, forward: this.#forward }
  }

  /** A node that died in between answers nothing; nor does one that cannot be reached. */
  #admit(reply: Reply, ask: (driver: Driver<M, R>, answer: Reply) => void): void {
    if (!this.hears) return
    const answer: Reply = (outcome) => {
      if (this.tells) reply(outcome)
    }
    if (!this.#life.alive) return answer({ type: 'Unreachable' })
    const living = this.#life.witness()
    this.#life.run(() => {
      const driver = this.#driver()
      if (driver === null) return
      ask(driver, (outcome) => {
        if (living()) answer(outcome)
      })
    })
  }

  #answered(
    query: Uint8Array,
    outcome: Exclude<ReadOutcome, { readonly type: 'Unsupported' }>,
  ): ReplyOutcome {
    switch (outcome.type) {
      case 'Ready':
        return { type: 'Answer', bytes: present(this.#machine()).ledger.query(query) }
      default:
        return outcome
    }
  }
}
