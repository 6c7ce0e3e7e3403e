/**
 * SubmitCommands: many commands in flight on one stream, each answered by its own result. The results of a turn
 * leave in one message; a reader that falls behind, or too many commands in flight, stop the stream's reading.
 */
import { latin1Decode } from '../base/latin1.js'
import { PRINCIPAL_BYTES, principalOf } from '../consensus/auth.js'
import type { Request } from '../consensus/contract.js'
import type { SubmitOutcome } from '../driver/outcomes.js'
import type {
  Command,
  Result,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../gen/quorate/v1/quorate.js'
import type { ServerStream } from '../rpc/types.js'
import { refusal, toRequest } from './commands.js'
import { invalid, unavailable } from './errors.js'
import type { Replica } from './replica.js'
import type { Listening, SignedDoor, Vouched } from './signed-door.js'

/** Commands without a result, one stream; reading goes on at half of it. */
const INFLIGHT_MAX = 8_192
/** In one message: each may cost a signature to verify, some 100 µs in which a node does nothing else. */
const SIGNED_MAX = 2_048
/** Of answers in one message: what asks the same many times is answered as often. */
const BATCH_BYTES_MAX = 1024 * 1024

type Stream = ServerStream<SubmitCommandsRequest, SubmitCommandsResponse>

export function serveSubmitStream(stream: Stream, replica: Replica): void {
  const session = new SubmitStream(stream, replica)
  stream.onMessage((message) => session.take(message))
  stream.onEnd(() => session.end())
  stream.onDrain(() => session.drained())
  stream.onClose(() => session.closed())
}

class SubmitStream {
  readonly #stream: Stream
  readonly #replica: Replica
  #inflight = 0
  #results: Result[] = []
  #refused: Uint8Array[] = []
  #flushDue = false
  #clogged = false
  #paused = false
  #ended = false
  #closed = false
  /** PBFT: by the client's key, as latin1. */
  readonly #listening = new Map<string, Listening>()

  constructor(stream: Stream, replica: Replica) {
    this.#stream = stream
    this.#replica = replica
  }

  take({ listen, commands }: SubmitCommandsRequest): void {
    const why = this.#replica.unavailable()
    if (why !== null) {
      this.#stream.fail(unavailable(why))
      return
    }
    const signed = listen.length + (this.#replica.signed == null ? 0 : commands.length)
    if (signed > SIGNED_MAX) {
      this.#stream.fail(invalid(`a message holds at most ${SIGNED_MAX} signed commands and wishes`))
      return
    }
    for (const wish of listen) this.#listen(wish)
    for (const command of commands) this.#submit(command)
    this.#regulate()
  }

  /**
   * A key alone: no more. What was asked under it on this stream meanwhile, others tell; what is asked from now on is
   * answered here. One that is refused disturbs no other that is heard on this stream.
   */
  #listen(wish: Uint8Array): void {
    const principal = latin1Decode(principalOf(wish))
    const before = this.#listening.get(principal)
    if (wish.length === PRINCIPAL_BYTES) {
      before?.end()
      this.#listening.delete(principal)
      return
    }
    const listening = this.#replica.signed?.listen(wish, (vouched) => this.#hear(vouched)) ?? null
    if (listening === null) {
      this.#refused.push(principalOf(wish))
      this.#flushSoon()
      return
    }
    before?.end()
    this.#listening.set(principal, listening)
  }

  end(): void {
    this.#ended = true
    this.#finish()
  }

  drained(): void {
    this.#clogged = false
    this.#regulate()
    this.#flush()
  }

  closed(): void {
    this.#closed = true
    this.#results = []
    for (const listening of this.#listening.values()) listening.end()
  }

  #submit(command: Command): void {
    const { session, seq } = command
    this.#inflight++
    const request = toRequest(command)
    const reason = refusal(command, request, this.#replica)
    if (reason !== null) {
      this.#answer({ session, seq, outcome: { $case: 'invalid', value: { reason } } })
      return
    }
    const { commandTimeoutMs } = this.#replica
    const asked = command.timeoutMs > 0 ? command.timeoutMs : commandTimeoutMs
    // As for a single command: what nobody waits for any more is not kept for weeks.
    const timeoutMs = Math.min(asked, commandTimeoutMs)
    const { signed } = this.#replica
    if (signed != null) this.#submitSigned(signed, request, timeoutMs)
    else
      this.#replica.submit(request, timeoutMs, (outcome) =>
        this.#answer({ session, seq, outcome: toResult(outcome, this.#replica) }),
      )
  }

  /** A stream that listens hears its answers as every other replica's stream does; else they are vouched for here. */
  #submitSigned(signed: SignedDoor, request: Request, timeoutMs: number): void {
    const { session, seq } = request
    const answer = (vouched: Vouched): void => this.#answer(toVouchedResult(vouched))
    if (signed.stored(request, answer)) return
    const listens = this.#listening.has(latin1Decode(principalOf(request.auth)))
    const expected = signed.expect(request, listens ? () => this.#answered() : answer)
    this.#replica.submit(request, timeoutMs, (outcome) => {
      if (!expected.callOff()) return
      this.#answer({ session, seq, outcome: toResult(displaced(outcome), this.#replica) })
    })
  }

  #hear(vouched: Vouched): void {
    // Who does not read loses replies, and may ask again.
    if (this.#closed || this.#results.length >= INFLIGHT_MAX) return
    this.#push(toVouchedResult(vouched))
  }

  #answer(result: Result): void {
    this.#inflight--
    if (!this.#closed) this.#push(result)
  }

  #answered(): void {
    this.#inflight--
    this.#regulate()
    this.#finish()
  }

  #push(result: Result): void {
    this.#results.push(result)
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#flushDue) return
    this.#flushDue = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushDue = false
    if (this.#clogged && this.#listening.size > 0) return
    if (this.#closed || this.#results.length + this.#refused.length === 0) return
    const results = this.#results.splice(0, countUpTo(this.#results, BATCH_BYTES_MAX))
    if (!this.#stream.write({ results, refused: this.#refused.splice(0) })) this.#clogged = true
    if (this.#results.length > 0) this.#flushSoon()
    this.#regulate()
    this.#finish()
  }

  #regulate(): void {
    const full = this.#clogged || this.#inflight > INFLIGHT_MAX
    if (full && !this.#paused) {
      this.#paused = true
      this.#stream.pause()
    } else if (this.#paused && !this.#clogged && this.#inflight <= INFLIGHT_MAX / 2) {
      this.#paused = false
      this.#stream.resume()
    }
  }

  #finish(): void {
    const waiting = this.#inflight + this.#results.length + this.#refused.length
    if (this.#ended && !this.#closed && waiting === 0) this.#stream.end()
  }
}

/** How many of the first of them have so many bytes of answers in all; at least one, if there is one. */
function countUpTo(results: readonly Result[], bytesMax: number): number {
  let bytes = 0
  for (const [i, { outcome }] of results.entries()) {
    if (outcome?.$case === 'answer') bytes += outcome.value.length
    if (bytes > bytesMax) return Math.max(1, i)
  }
  return results.length
}

export function toVouchedResult({ session, seq, answer, voucher }: Vouched): Result {
  return { session, seq, outcome: { $case: 'answer', value: answer }, voucher: { ...voucher } }
}

/** What was answered under its number was another request: of this one nothing is known. */
export function displaced(outcome: SubmitOutcome): Exclude<SubmitOutcome, { type: 'Answer' }> {
  if (outcome.type !== 'Answer') return outcome
  return { type: 'Indeterminate', reason: 'another request took its number' }
}

function toResult(outcome: SubmitOutcome, replica: Replica): Result['outcome'] {
  switch (outcome.type) {
    case 'Answer':
      return { $case: 'answer', value: outcome.bytes }
    case 'NotLeader':
      return {
        $case: 'notLeader',
        value: {
          leaderName: outcome.leader ?? '',
          leaderEndpoint: outcome.leader === null ? '' : replica.clientEndpointOf(outcome.leader),
        },
      }
    case 'Overloaded':
      return { $case: 'overloaded', value: { reason: outcome.reason } }
    case 'Indeterminate':
      return { $case: 'indeterminate', value: { reason: outcome.reason } }
  }
}
