/**
 * SubmitCommands: many commands in flight on one stream, each answered by its own result. The results of a turn
 * leave in one message; a reader that falls behind, or too many commands in flight, stop the stream's reading.
 */
import type { SubmitOutcome } from '../driver/outcomes.js'
import type {
  Command,
  Result,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../gen/quorate/v1/quorate.js'
import type { ServerStream } from '../rpc/types.js'
import { refusal, toRequest } from './commands.js'
import { unavailable } from './errors.js'
import type { Replica } from './replica.js'

/** Commands without a result, one stream; reading goes on at half of it. */
const INFLIGHT_MAX = 8_192

type Stream = ServerStream<SubmitCommandsRequest, SubmitCommandsResponse>

export function serveSubmitStream(stream: Stream, replica: Replica): void {
  const session = new SubmitStream(stream, replica)
  stream.onMessage((message) => session.take(message.commands))
  stream.onEnd(() => session.end())
  stream.onDrain(() => session.drained())
  stream.onClose(() => session.closed())
}

class SubmitStream {
  readonly #stream: Stream
  readonly #replica: Replica
  #inflight = 0
  #results: Result[] = []
  #flushDue = false
  #clogged = false
  #paused = false
  #ended = false
  #closed = false

  constructor(stream: Stream, replica: Replica) {
    this.#stream = stream
    this.#replica = replica
  }

  take(commands: readonly Command[]): void {
    const why = this.#replica.unavailable()
    if (why !== null) {
      this.#stream.fail(unavailable(why))
      return
    }
    for (const command of commands) this.#submit(command)
    this.#regulate()
  }

  end(): void {
    this.#ended = true
    this.#finish()
  }

  drained(): void {
    this.#clogged = false
    this.#regulate()
  }

  closed(): void {
    this.#closed = true
    this.#results = []
  }

  #submit(command: Command): void {
    const { session, seq } = command
    this.#inflight++
    const reason = refusal(command, this.#replica)
    if (reason !== null) {
      this.#answer({ session, seq, outcome: { $case: 'invalid', value: { reason } } })
      return
    }
    const timeoutMs = command.timeoutMs > 0 ? command.timeoutMs : this.#replica.commandTimeoutMs
    this.#replica.submit(toRequest(command), timeoutMs, (outcome) =>
      this.#answer({ session, seq, outcome: toResult(outcome, this.#replica) }),
    )
  }

  #answer(result: Result): void {
    this.#inflight--
    if (this.#closed) return
    this.#results.push(result)
    if (this.#flushDue) return
    this.#flushDue = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushDue = false
    if (this.#closed || this.#results.length === 0) return
    const results = this.#results
    this.#results = []
    if (!this.#stream.write({ results })) this.#clogged = true
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
    if (this.#ended && !this.#closed && this.#inflight === 0 && this.#results.length === 0)
      this.#stream.end()
  }
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
