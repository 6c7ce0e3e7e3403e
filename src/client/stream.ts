/**
 * The fast path to one node: commands of one turn of the event loop leave in one message, and each is answered by
 * its own result. When the stream ends, what was sent on it is of unknown outcome; the next command opens another.
 */
import type { Request } from '../consensus/contract.js'
import type {
  Command,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../gen/quorate/v1/quorate.js'
import type { RpcError } from '../rpc/status.js'
import type { Channel, ClientStream } from '../rpc/types.js'
import { SUBMIT_COMMANDS } from './methods.js'
import {
  neverSent,
  type Verdict,
  verdictOfError,
  verdictOfResult,
  whyUnreachable,
} from './verdict.js'

/** One message carries at most so many commands and, about, so many bytes. */
const MESSAGE_COMMANDS_MAX = 256
const MESSAGE_BYTES_MAX = 256 * 1024

type Settle = (verdict: Verdict) => void
type Stream = ClientStream<SubmitCommandsResponse, SubmitCommandsRequest>

export class CommandStream {
  readonly #channel: Channel
  #stream: Stream | null = null
  /** By session, then seq. Bounded by the client's operations under way. */
  readonly #waiting = new Map<number, Map<number, Settle>>()
  #outgoing: Command[] = []
  #flushing = false
  #held = false

  constructor(channel: Channel) {
    this.#channel = channel
  }

  send(request: Request, timeoutMs: number, settle: Settle): void {
    const { session, seq, ackedThrough, command } = request
    let ofSession = this.#waiting.get(session)
    if (ofSession === undefined) {
      ofSession = new Map()
      this.#waiting.set(session, ofSession)
    }
    const earlier = ofSession.get(seq)
    ofSession.set(seq, settle)
    // An attempt that was given up here and came back: the later one gets the result.
    earlier?.({ type: 'Indeterminate', reason: 'sent again', code: null })
    this.#outgoing.push({ session, seq, ackedThrough, command, timeoutMs })
    if (this.#flushing || this.#held) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  close(): void {
    this.#stream?.cancel()
  }

  #flush(): void {
    while (this.#outgoing.length > 0 && !this.#held) {
      this.#stream ??= this.#open()
      const commands = takeMessage(this.#outgoing)
      this.#outgoing = this.#outgoing.slice(commands.length)
      if (!this.#stream.write({ commands, listen: [] })) this.#held = true
    }
  }

  #open(): Stream {
    const stream = this.#channel.stream(SUBMIT_COMMANDS)
    stream.onMessage((message) => {
      for (const result of message.results) {
        const ofSession = this.#waiting.get(result.session)
        const settle = ofSession?.get(result.seq)
        if (settle === undefined) continue
        ofSession?.delete(result.seq)
        if (ofSession?.size === 0) this.#waiting.delete(result.session)
        settle(verdictOfResult(result.outcome))
      }
    })
    stream.onDrain(() => {
      this.#held = false
      this.#flush()
    })
    stream.onEnd(() => stream.end())
    stream.onClose((error) => {
      if (this.#stream === stream) this.#onClosed(error)
    })
    return stream
  }

  #onClosed(error: RpcError | null): void {
    this.#stream = null
    this.#held = false
    const unsent = new Set(this.#outgoing)
    this.#outgoing = []
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    const lost = verdictOfClosed(error)
    for (const { session, seq } of unsent)
      settleOf(waiting, session, seq)?.({ type: 'Unreachable', reason: 'the stream closed' })
    for (const [, ofSession] of waiting) for (const settle of ofSession.values()) settle(lost)
  }
}

function settleOf(
  waiting: readonly (readonly [number, Map<number, Settle>])[],
  session: number,
  seq: number,
): Settle | undefined {
  for (const [id, ofSession] of waiting) {
    if (id !== session) continue
    const settle = ofSession.get(seq)
    ofSession.delete(seq)
    return settle
  }
  return undefined
}

function verdictOfClosed(error: RpcError | null): Verdict {
  if (error === null) return { type: 'Indeterminate', reason: 'the stream ended', code: null }
  if (neverSent(error)) return { type: 'Unreachable', reason: whyUnreachable(error) }
  const verdict = verdictOfError(error)
  // A stream's error speaks of the stream, not of each command: only an outright refusal of the call is definite.
  if (verdict.type === 'Rejected' && verdict.error.kind === 'NotPermitted') return verdict
  return { type: 'Indeterminate', reason: error.message, code: error.code }
}

function takeMessage(outgoing: readonly Command[]): Command[] {
  const commands: Command[] = []
  let bytes = 0
  for (const command of outgoing) {
    if (commands.length > 0 && bytes + command.command.length > MESSAGE_BYTES_MAX) break
    commands.push(command)
    bytes += command.command.length
    if (commands.length >= MESSAGE_COMMANDS_MAX) break
  }
  return commands
}
