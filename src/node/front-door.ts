/**
 * Commands that a node submits in its own name: each is executed once, under a session of the node's own. A session
 * is opened when it is first needed; where this node does not lead, nothing is sent on.
 */
import { randomInt } from 'node:crypto'
import type { Request } from '../consensus/contract.js'
import type { SubmitOutcome } from '../driver/outcomes.js'
import { decodeAnswer } from '../machine/answers.js'
import type { Replica, Way } from '../server/replica.js'
import type { Sealer } from './sealer.js'

/** Commands under way at once; a session keeps 1,024 answers that are not acknowledged. */
const INFLIGHT_MAX = 512
const NONCE_MAX = 2 ** 47

export type Submitted =
  | { readonly type: 'Result'; readonly result: Uint8Array }
  | Exclude<SubmitOutcome, { readonly type: 'Answer' }>

interface Session {
  readonly id: number
  nextSeq: number
  /** All seqs up to here have their answer. */
  ackedThrough: number
  readonly answered: Set<number>
}

export class FrontDoor {
  readonly #replica: Replica
  #session: Promise<Session | SubmitOutcome> | null = null
  readonly #way: Way
  readonly #sealer: Sealer | null
  #inflight = 0

  /** With `forward`, what this node cannot order itself goes to the leader. `sealer`: where clients sign. */
  constructor(replica: Replica, way: Way = { forward: false }, sealer: Sealer | null = null) {
    this.#replica = replica
    this.#way = way
    this.#sealer = sealer
  }

  /** `readOnly`: a query that gets a place in the order, and changes nothing. */
  async submit(command: Uint8Array, timeoutMs: number, readOnly = false): Promise<Submitted> {
    if (this.#inflight >= INFLIGHT_MAX)
      return { type: 'Overloaded', reason: `${INFLIGHT_MAX} commands are under way` }
    this.#inflight++
    try {
      return await this.#run(command, timeoutMs, readOnly)
    } finally {
      this.#inflight--
    }
  }

  async #run(command: Uint8Array, timeoutMs: number, readOnly: boolean): Promise<Submitted> {
    for (;;) {
      this.#session ??= this.#open(timeoutMs)
      const opening = this.#session
      const session = await opening
      if ('type' in session) {
        if (this.#session === opening) this.#session = null
        if (session.type === 'Answer') return { type: 'Indeterminate', reason: 'no session' }
        return session
      }
      const seq = session.nextSeq++
      const { id, ackedThrough } = session
      const request = { session: id, seq, ackedThrough, command }
      const outcome = await this.#ask(readOnly ? { ...request, readOnly } : request, timeoutMs)
      acknowledge(session, seq)
      if (outcome.type !== 'Answer') return outcome
      const answer = decodeAnswer(outcome.bytes)
      switch (answer?.type) {
        case 'Ok':
          return { type: 'Result', result: answer.result }
        case 'Overloaded':
          return { type: 'Overloaded', reason: 'the session is full' }
        case 'SessionExpired':
          // Never executed: it was this session's first and only attempt of this seq. Once more, in a new one.
          if (this.#session === opening) this.#session = null
          continue
        default:
          return { type: 'Indeterminate', reason: 'an answer that is none' }
      }
    }
  }

  async #open(timeoutMs: number): Promise<Session | SubmitOutcome> {
    const nonce = randomInt(1, NONCE_MAX)
    const command = new Uint8Array(0)
    const outcome = await this.#ask({ session: 0, seq: nonce, ackedThrough: 0, command }, timeoutMs)
    if (outcome.type !== 'Answer') return outcome
    const answer = decodeAnswer(outcome.bytes)
    if (answer?.type !== 'SessionOpened') return { type: 'Overloaded', reason: 'no session' }
    return { id: answer.session, nextSeq: 1, ackedThrough: 0, answered: new Set() }
  }

  #ask(request: Request, timeoutMs: number): Promise<SubmitOutcome> {
    return new Promise((resolve) => {
      const submit = (asked: Request): void =>
        this.#replica.submit(asked, timeoutMs, resolve, this.#way)
      if (this.#sealer === null) submit(request)
      else this.#sealer.sign(request, submit)
    })
  }
}

/** Nobody asks for this seq again: what is contiguous is acknowledged with the next command. */
function acknowledge(session: Session, seq: number): void {
  session.answered.add(seq)
  while (session.answered.delete(session.ackedThrough + 1)) session.ackedThrough++
}
