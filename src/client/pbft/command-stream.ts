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

/** None of them runs inside a call of `write` or `cancel`. */
export interface CommandEvents {
  result(result: Result): void
  /** Behind a `write` that gave false: there is room again. */
  drained(): void
  /** Nothing comes any more. PERMISSION_DENIED: the replica tells nothing to our key. */
  closed(error: RpcError | null): void
}

export interface CommandStream {
  /** False: nothing is lost, but stop until `drained`. */
  write(message: SubmitCommandsRequest): boolean
  /** Results of this session are for this client; of older ones no longer when there are more than SESSIONS_MAX. */
  claim(session: number): void
  /** Of what happens from now on nothing is told. */
  cancel(): void
}

/** A channel whose clients share a stream. */
export interface SharedChannel extends Channel {
  commands(events: CommandEvents): CommandStream
}

export function commandStream(channel: Channel, events: CommandEvents): CommandStream {
  return isShared(channel)
    ? channel.commands(events)
    : ownStream(channel.stream(SUBMIT_COMMANDS), events)
}

function isShared(channel: Channel): channel is SharedChannel {
  return 'commands' in channel
}

export function refusedToHear(): RpcError {
  return new RpcError(Code.PERMISSION_DENIED, 'replies are not given out under this key')
}

function ownStream(stream: RawCommandStream, events: CommandEvents): CommandStream {
  let over = false
  const close = (error: RpcError | null) => {
    if (over) return
    over = true
    events.closed(error)
  }
  stream.onMessage(({ results, refused }) => {
    // Why what was asked is refused, before that it is.
    if (refused.length > 0) {
      close(refusedToHear())
      stream.cancel()
    }
    for (const result of results) if (!over) events.result(result)
  })
  stream.onDrain(() => events.drained())
  stream.onEnd(() => stream.end())
  stream.onClose(close)
  return {
    write: (message) => stream.write(message),
    // All of its results are.
    claim: () => {},
    cancel: () => {
      over = true
      stream.cancel()
    },
  }
}
