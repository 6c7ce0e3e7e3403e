/** Carries one attempt to one node, by a call of its own or on the node's stream. */
import type { Request } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { Consistency } from '../gen/quorate/v1/quorate.js'
import { Code, RpcError } from '../rpc/status.js'
import type { Channels } from './channels.js'
import { QUERY, SUBMIT_COMMAND } from './methods.js'
import { CommandStream } from './stream.js'
import { type Verdict, verdictOfError } from './verdict.js'

type Settle = (verdict: Verdict) => void

export class Attempts {
  readonly #channels: Channels
  readonly #transport: 'unary' | 'stream'
  readonly #streams = new Map<NodeId, CommandStream>()

  constructor(channels: Channels, transport: 'unary' | 'stream') {
    this.#channels = channels
    this.#transport = transport
  }

  command(to: NodeId, request: Request, timeoutMs: number, settle: Settle): void {
    if (this.#transport === 'stream') {
      let stream = this.#streams.get(to)
      if (stream === undefined) {
        stream = new CommandStream(this.#channels.to(to))
        this.#streams.set(to, stream)
      }
      stream.send(request, timeoutMs, settle)
      return
    }
    const { session, seq, ackedThrough, command } = request
    const message = { command: { session, seq, ackedThrough, command, timeoutMs: 0 } }
    const channel = this.#channels.to(to)
    channel
      .unary(SUBMIT_COMMAND, message, { timeoutMs: this.#channels.timeout(channel, timeoutMs) })
      .then(
        ({ answer }) => settle({ type: 'Answer', bytes: answer }),
        (error: unknown) => settle(verdictOfError(asRpcError(error))),
      )
  }

  query(to: NodeId, query: Uint8Array, timeoutMs: number, settle: Settle): void {
    const channel = this.#channels.to(to)
    const options = { timeoutMs: this.#channels.timeout(channel, timeoutMs) }
    channel.unary(QUERY, { query, consistency: Consistency.LINEARIZABLE }, options).then(
      ({ answer }) => settle({ type: 'Answer', bytes: answer }),
      (error: unknown) => settle(verdictOfError(asRpcError(error))),
    )
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close()
    this.#streams.clear()
  }
}

export function asRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  return new RpcError(Code.INTERNAL, error instanceof Error ? error.message : String(error))
}
