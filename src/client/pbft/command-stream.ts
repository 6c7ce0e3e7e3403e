/**
 * What a link to a replica speaks on: commands and wishes to hear go out, results come in. A client by itself has a stream of
 * its own; those that share connections share it too (`shared-stream.ts`).
 */
import type {
  Result,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../../gen/quorate/v1/quorate.js'
import { Code, RpcError } from '../../rpc/status.js'
import type { Channel, ClientStream } from '../../rpc/types.js'
import { SUBMIT_COMMANDS } from '../methods.js'

/** A client has one session at a time; what it asked in those before may still be answered. */
export const SESSIONS_MAX = 4

export type RawCommandStream = ClientStream<SubmitCommandsResponse, SubmitCommandsRequest>

/** Callbacks are set once, in the turn in which it is handed out. */
export interface CommandStream {
  /** False: nothing is lost, but stop until `onDrain`. */
  write(message: SubmitCommandsRequest): boolean
  /** Results of this session are for this client; of older ones no longer when there are more than SESSIONS_MAX. */
  claim(session: number): void
  onResult(callback: (result: Result) => void): void
  onDrain(callback: () => void): void
  /** Nothing comes any more. PERMISSION_DENIED: the replica tells nothing to our key. */
  onClose(callback: (error: RpcError | null) => void): void
  cancel(): void
}

/** A channel whose clients share a stream. */
export interface SharedChannel extends Channel {
  commands(): CommandStream
}

export function commandStream(channel: Channel): CommandStream {
  return 'commands' in channel
    ? (channel as SharedChannel).commands()
    : new OwnStream(channel.stream(SUBMIT_COMMANDS))
}

export function refusedToHear(): RpcError {
  return new RpcError(Code.PERMISSION_DENIED, 'replies are not given out under this key')
}

class OwnStream implements CommandStream {
  readonly #stream: RawCommandStream
  #onResult: (result: Result) => void = () => {}
  #onClose: (error: RpcError | null) => void = () => {}

  constructor(stream: RawCommandStream) {
    this.#stream = stream
    stream.onMessage(({ results, refused }) => {
      // Why what was asked is refused, before that it is.
      if (refused.length > 0) this.#close(refusedToHear())
      for (const result of results) this.#onResult(result)
    })
    stream.onEnd(() => stream.end())
    stream.onClose((error) => this.#closed(error))
  }

  write(message: SubmitCommandsRequest): boolean {
    return this.#stream.write(message)
  }

  /** All of them are. */
  claim(): void {}

  onResult(callback: (result: Result) => void): void {
    this.#onResult = callback
  }

  onDrain(callback: () => void): void {
    this.#stream.onDrain(callback)
  }

  onClose(callback: (error: RpcError | null) => void): void {
    this.#onClose = callback
  }

  cancel(): void {
    this.#stream.cancel()
  }

  #close(error: RpcError): void {
    this.#closed(error)
    this.#stream.cancel()
  }

  /** Only the first time counts. */
  #closed(error: RpcError | null): void {
    const told = this.#onClose
    this.#onResult = () => {}
    this.#onClose = () => {}
    told(error)
  }
}
