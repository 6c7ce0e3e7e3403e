/**
 * Connections that clients of one program share. Each client of a cluster otherwise connects to every node by itself:
 * a hundred of them, as a program has whose users have keys of their own, are a hundred sockets to each node, and each command
 * and answer a packet. On one connection, what all of them say in a turn travels together.
 */
import type { SharedConnection } from '../rpc/channel.js'
import type { Channel } from '../rpc/types.js'
import { dialEndpoint } from './dial.js'

export interface ConnectionsOptions {
  /**
   * On one connection; the next client opens another. Default 256: with a stream and a call each they stay below
   * the 1,024 calls at once that a node takes from a connection, beyond which calls wait for one another.
   */
  readonly clientsMax?: number
}

const CLIENTS_MAX = 256

interface Connection extends SharedConnection {
  clients: number
}

/** Given to each client that is to share them, as `connections`. A client leaves by `close`; a connection goes with its last client. */
export class Connections {
  /** Of all of this process, so that no two of them are taken for one. */
  static #numbered = 0
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
      connection = this.#another(endpoint)
      all.push(connection)
    }
    connection.clients++
    return dialEndpoint(endpoint, connection)
  }

  #another(endpoint: string): Connection {
    const number = ++Connections.#numbered
    const connection = { number, clients: 0, left: () => this.#left(endpoint, connection) }
    return connection
  }

  #left(endpoint: string, connection: Connection): void {
    if (--connection.clients > 0) return
    const others = this.#to.get(endpoint)?.filter((one) => one !== connection) ?? []
    if (others.length > 0) this.#to.set(endpoint, others)
    else this.#to.delete(endpoint)
  }
}
