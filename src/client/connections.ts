/**
 * Connections that clients of one program share. Each client of a cluster otherwise connects to every node by itself:
 * a hundred of them, as a program has whose users have keys of their own, are a hundred sockets to each node, and each command
 * and answer a packet. On one connection, what all of them say in a turn travels together; over PBFT on one stream, as one
 * message.
 */
import type {
  CallOptions,
  Channel,
  ChannelState,
  ClientStream,
  StreamMethod,
  UnaryMethod,
} from '../rpc/types.js'
import { dialEndpoint } from './dial.js'
import { SUBMIT_COMMANDS } from './methods.js'
import type { CommandEvents, CommandStream, SharedChannel } from './pbft/command-stream.js'
import { SharedStream } from './pbft/shared-stream.js'

export interface ConnectionsOptions {
  /**
   * On one connection; the next client opens another. Default 256: with a stream and a call each they stay below
   * the 1,024 calls at once that a node takes from a connection, beyond which calls wait for one another.
   */
  readonly clientsMax?: number
}

const CLIENTS_MAX = 256

/** Given to each client that is to share them, as `connections`. A client leaves by `close`; a connection goes with its last client. */
export class Connections {
  readonly #clientsMax: number
  readonly #to = new Map<string, Connection[]>()

  /** Throws RangeError when a connection is to take no client. */
  constructor({ clientsMax = CLIENTS_MAX }: ConnectionsOptions = {}) {
    if (!Number.isInteger(clientsMax) || clientsMax < 1)
      throw new RangeError(`clientsMax is a whole number from 1, not ${clientsMax}`)
    this.#clientsMax = clientsMax
  }

  /** One more user of a connection to that endpoint (`host:port`), until it is closed. */
  channel(endpoint: string): Channel {
    const all = this.#to.get(endpoint) ?? []
    this.#to.set(endpoint, all)
    let connection = all.find(({ clients }) => clients < this.#clientsMax)
    if (connection === undefined) {
      connection = new Connection(endpoint, () => this.#drop(endpoint, connection))
      all.push(connection)
    }
    return connection.enter()
  }

  #drop(endpoint: string, connection: Connection | undefined): void {
    const others = this.#to.get(endpoint)?.filter((one) => one !== connection) ?? []
    if (others.length > 0) this.#to.set(endpoint, others)
    else this.#to.delete(endpoint)
  }
}

class Connection {
  /** Of all of this process, so that no two of them are taken for one. */
  static #numbered = 0
  readonly #endpoint: string
  readonly #number = ++Connection.#numbered
  readonly #empty: () => void
  readonly #stream: SharedStream
  /** Carries the stream, which is no single client's. */
  #channel: Channel | null = null
  #clients = 0

  /** `empty` runs when its last client has left. */
  constructor(endpoint: string, empty: () => void) {
    this.#endpoint = endpoint
    this.#empty = empty
    this.#stream = new SharedStream(() => {
      this.#channel ??= dialEndpoint(endpoint, this.#number)
      return this.#channel.stream(SUBMIT_COMMANDS)
    })
  }

  get clients(): number {
    return this.#clients
  }

  enter(): SharedChannel {
    this.#clients++
    const channel = dialEndpoint(this.#endpoint, this.#number)
    return new Seat(channel, this.#stream, () => this.#leave())
  }

  #leave(): void {
    if (--this.#clients > 0) return
    this.#channel?.close()
    this.#empty()
  }
}

/** One client's channel on a connection. */
class Seat implements SharedChannel {
  readonly endpoint: string
  readonly #channel: Channel
  readonly #stream: SharedStream
  readonly #left: () => void
  #closed = false

  constructor(channel: Channel, stream: SharedStream, left: () => void) {
    this.endpoint = channel.endpoint
    this.#channel = channel
    this.#stream = stream
    this.#left = left
  }

  get state(): ChannelState {
    return this.#channel.state
  }

  unary<Req, Res>(
    method: UnaryMethod<Req, Res>,
    request: Req,
    options?: CallOptions,
  ): Promise<Res> {
    return this.#channel.unary(method, request, options)
  }

  stream<Req, Res>(method: StreamMethod<Req, Res>, options?: CallOptions): ClientStream<Res, Req> {
    return this.#channel.stream(method, options)
  }

  commands(events: CommandEvents): CommandStream {
    return this.#stream.share(events)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#channel.close()
    this.#left()
  }
}
