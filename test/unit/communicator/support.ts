/** A few nodes' communicators in one process, on real sockets. */
import { Communicator } from '../../../src/communicator/communicator.js'
import type {
  CommunicatorEvent,
  CommunicatorOptions,
  SnapshotSink,
  SnapshotSource,
} from '../../../src/communicator/types.js'
import type { SnapshotMeta } from '../../../src/consensus/contract.js'
import { PEER_PORT_LIMITS } from '../../../src/rpc/limits.js'
import { createServer } from '../../../src/rpc/server.js'
import type { Server } from '../../../src/rpc/types.js'

export const META: SnapshotMeta = {
  index: 7,
  term: 2,
  time: 0,
  configuration: {
    members: [],
    voters: [],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  },
  digest: '',
  bytes: 0,
}

/** Collects, and lets tests wait for the moment when what was collected satisfies them. */
export class Seen<T> {
  readonly all: T[] = []
  #waiting: { enough: (all: T[]) => boolean; resolve: () => void }[] = []

  add(item: T): void {
    this.all.push(item)
    for (const one of [...this.#waiting]) {
      if (!one.enough(this.all)) continue
      this.#waiting = this.#waiting.filter((other) => other !== one)
      one.resolve()
    }
  }

  until(enough: (all: T[]) => boolean): Promise<void> {
    if (enough(this.all)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ enough, resolve }))
  }

  count(n: number): Promise<void> {
    return this.until((all) => all.length >= n)
  }
}

/** A snapshot sink that keeps all in memory. */
export class MemorySink implements SnapshotSink {
  readonly chunks: Uint8Array[] = []
  readonly events: string[]
  problem: string | null = null

  constructor(events: string[]) {
    this.events = events
  }

  chunk(_offset: number, bytes: Uint8Array, done: (ok: boolean) => void): void {
    this.chunks.push(bytes.slice())
    setImmediate(() => done(true))
  }

  finish(done: (problem: string | null) => void): void {
    this.events.push('finish')
    setImmediate(() => done(this.problem))
  }

  abort(): void {
    this.events.push('abort')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

export function memorySource(
  bytes: Uint8Array,
  meta = 'meta',
): SnapshotSource & { closed: number } {
  return {
    meta: Buffer.from(meta),
    bytesTotal: bytes.length,
    read(offset, length, done) {
      setImmediate(() => done(bytes.subarray(offset, offset + length)))
    },
    closed: 0,
    close() {
      this.closed++
    },
  }
}

export class TestNode {
  readonly id: string
  readonly port: number
  readonly communicator: Communicator
  readonly messages = new Seen<string>()
  readonly hellos = new Seen<string>()
  readonly gone = new Seen<string>()
  readonly events = new Seen<CommunicatorEvent>()
  readonly sinks = new Seen<{ from: string; meta: string; sink: MemorySink; events: string[] }>()
  source: SnapshotSource | null = null
  readonly #server: Server

  constructor(
    id: string,
    port: number,
    peers: ReadonlyMap<string, string>,
    options: Partial<Omit<CommunicatorOptions, 'identity'>> & {
      identity?: Partial<CommunicatorOptions['identity']>
    } = {},
  ) {
    this.id = id
    this.port = port
    this.communicator = new Communicator({
      peers,
      seed: 1,
      bootstrap: Buffer.from(`boot of ${id}`),
      formed: true,
      onMessage: (from, message) => this.messages.add(`${from}: ${Buffer.from(message)}`),
      objection: () => null,
      onHello: ({ nodeId, uid, bootstrap }) =>
        this.hellos.add(`${nodeId} ${uid} ${Buffer.from(bootstrap)}`),
      onGone: (from) => this.gone.add(from),
      openSnapshot: (_, done) => done(this.source),
      receiveSnapshot: (from, meta) => {
        const events: string[] = []
        const sink = new MemorySink(events)
        this.sinks.add({ from, meta: String(Buffer.from(meta)), sink, events })
        return sink
      },
      log: (event) => this.events.add(event),
      ...options,
      identity: {
        clusterId: 'c1',
        nodeId: id,
        uid: `u-${id}`,
        incarnation: 1 + Math.floor(Math.random() * 1e9),
        protocol: 'raft',
        groupId: 0,
        ...options.identity,
      },
    })
    this.#server = createServer({ routes: this.communicator.routes(), limits: PEER_PORT_LIMITS })
  }

  async start(): Promise<this> {
    await this.#server.listen('127.0.0.1', this.port)
    this.communicator.start()
    return this
  }

  async stop(): Promise<void> {
    this.communicator.close()
    await this.#server.close(0)
  }

  send(to: TestNode | string, text: string): void {
    this.communicator.send(typeof to === 'string' ? to : to.id, Buffer.from(text))
  }

  /** Our stream to it is up. */
  async reaches(to: TestNode | string): Promise<void> {
    const id = typeof to === 'string' ? to : to.id
    await this.hellos.until(() => this.communicator.connected(id))
  }

  counter(name: string): number {
    const value = this.communicator.counters().get(`peer_${name}`)
    if (value === undefined) throw new Error(`no counter ${name}`)
    return value
  }
}

export function addresses(ports: readonly number[]): Map<string, string> {
  return new Map(ports.map((port, i) => [`n${i + 1}`, `127.0.0.1:${port}`]))
}

export function others(all: ReadonlyMap<string, string>, id: string): Map<string, string> {
  return new Map([...all].filter(([name]) => name !== id))
}
