import { afterEach, describe, expect, it } from 'vitest'
import { Client, type ClientOptions, Connections } from '../../../src/client/index.js'
import type { CommandStream, RawCommandStream } from '../../../src/client/pbft/command-stream.js'
import { SharedStream } from '../../../src/client/pbft/shared-stream.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type {
  Command,
  Result,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../../../src/gen/quorate/v1/quorate.js'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { FakePbft } from './fake-pbft.js'

/** The replica's end of it, played by the test. */
class FakeStream {
  readonly written: SubmitCommandsRequest[] = []
  cancelled = false
  full = false
  message: (message: SubmitCommandsResponse) => void = () => {}
  drain: () => void = () => {}
  close: (error: RpcError | null) => void = () => {}

  readonly raw = {
    write: (message: SubmitCommandsRequest) => this.written.push(message) > 0 && !this.full,
    onMessage: (callback: FakeStream['message']) => {
      this.message = callback
    },
    onDrain: (callback: () => void) => {
      this.drain = callback
    },
    onEnd: () => {},
    onClose: (callback: FakeStream['close']) => {
      this.close = callback
    },
    cancel: () => {
      this.cancelled = true
    },
  } as unknown as RawCommandStream

  tell(...results: [session: number, seq: number][]): void {
    this.message({
      results: results.map(([session, seq]) => ({ session, seq }) as Result),
      refused: [],
    })
  }
}

class Program {
  readonly streams: FakeStream[] = []
  readonly shared = new SharedStream(() => {
    const stream = new FakeStream()
    this.streams.push(stream)
    return stream.raw
  })

  get stream(): FakeStream {
    return this.streams.at(-1)!
  }

  client(session: number): TestShare {
    return new TestShare(this.shared, session)
  }
}

class TestShare {
  readonly heard: string[] = []
  drained = 0
  closed: RpcError | null | undefined
  readonly stream: CommandStream
  readonly session: number

  constructor(shared: SharedStream, session: number) {
    this.session = session
    this.stream = shared.share({
      result: ({ session: of, seq }) => this.heard.push(`${of}:${seq}`),
      drained: () => this.drained++,
      closed: (error) => {
        this.closed = error
      },
    })
    this.stream.claim(session)
  }

  ask(...seqs: number[]): boolean {
    const commands = seqs.map((seq) => ({ session: this.session, seq }) as Command)
    return this.stream.write({ commands, listen: [] })
  }

  wish(bytes: Uint8Array): void {
    this.stream.write({ commands: [], listen: [bytes] })
  }
}

const turn = () => new Promise((done) => setImmediate(done))
const key = (n: number) => new Uint8Array(32).fill(n)
const proof = (n: number) => new Uint8Array(96).fill(n)

describe('a stream that clients share', () => {
  it('says in one message what they ask in a turn, and tells each what its own came to', async () => {
    const program = new Program()
    const [a, b] = [program.client(7), program.client(8)]
    a.wish(proof(1))
    a.ask(1, 2)
    b.ask(1)
    await turn()
    expect(program.streams).toHaveLength(1)
    const { written } = program.stream
    expect(written).toHaveLength(1)
    expect(written[0]!.listen).toEqual([proof(1)])
    expect(written[0]!.commands.map(({ session, seq }) => [session, seq])).toEqual([
      [7, 1],
      [7, 2],
      [8, 1],
    ])
    // An opening has no session yet; what is nobody's is dropped.
    program.stream.tell([8, 1], [7, 2], [0, 99], [9, 1])
    expect(a.heard).toEqual(['7:2', '0:99'])
    expect(b.heard).toEqual(['8:1', '0:99'])
  })

  it('tells a client of its last four sessions', async () => {
    const program = new Program()
    const a = program.client(1)
    for (const session of [2, 3, 4, 5]) a.stream.claim(session)
    program.stream.tell([1, 1], [2, 1], [5, 1])
    expect(a.heard).toEqual(['2:1', '5:1'])
  })

  it('takes no more than 256 commands into a message', async () => {
    const program = new Program()
    const a = program.client(7)
    a.ask(...Array.from({ length: 300 }, (_, i) => i + 1))
    await turn()
    expect(program.stream.written.map(({ commands }) => commands.length)).toEqual([256, 44])
  })

  it('waits while the socket is full, and all go on behind it', async () => {
    const program = new Program()
    const [a, b] = [program.client(7), program.client(8)]
    program.stream.full = true
    expect(a.ask(1)).toBe(true)
    await turn()
    expect(b.ask(1)).toBe(false)
    await turn()
    expect(program.stream.written).toHaveLength(1)
    // Room for what waited here, and no more.
    program.stream.drain()
    expect(program.stream.written).toHaveLength(2)
    expect([a.drained, b.drained]).toEqual([0, 0])
    program.stream.full = false
    program.stream.drain()
    expect(program.stream.written).toHaveLength(2)
    expect([a.drained, b.drained]).toEqual([1, 1])
    expect(b.ask(2)).toBe(true)
  })

  it('ends a key with the last client that hears it, and itself with the last client', async () => {
    const program = new Program()
    const [a, b, c] = [program.client(7), program.client(8), program.client(9)]
    for (const one of [a, b]) one.wish(proof(1))
    c.wish(proof(2))
    await turn()
    a.stream.cancel()
    a.stream.cancel()
    expect(a.ask(1)).toBe(true)
    await turn()
    expect(program.stream.written).toHaveLength(1)
    b.wish(key(1))
    b.wish(key(1))
    await turn()
    expect(program.stream.written.slice(1)).toMatchObject([{ commands: [], listen: [key(1)] }])
    program.stream.tell([7, 1], [8, 1])
    expect(a.heard).toEqual([])
    expect(b.heard).toEqual(['8:1'])
    b.stream.cancel()
    expect(program.stream.cancelled).toBe(false)
    c.stream.cancel()
    expect(program.stream.cancelled).toBe(true)
    program.client(10).ask(1)
    await turn()
    expect(program.streams).toHaveLength(2)
    expect(program.stream.written).toHaveLength(1)
  })

  it('lost, is lost to all, and is opened again for the next', async () => {
    const program = new Program()
    const [a, b] = [program.client(7), program.client(8)]
    a.ask(1)
    const [first] = program.streams
    first!.close(new RpcError(Code.UNAVAILABLE, 'gone'))
    for (const one of [a, b]) expect(one.closed).toMatchObject({ code: Code.UNAVAILABLE })
    const again = program.client(7)
    again.ask(2)
    // Late news of the lost one.
    first!.close(null)
    await turn()
    expect(again.closed).toBeUndefined()
    expect(program.streams).toHaveLength(2)
    expect(program.stream.written).toMatchObject([{ commands: [{ session: 7, seq: 2 }] }])
  })

  it('closes for those whose key is refused, and for no other', async () => {
    const program = new Program()
    const [a, b] = [program.client(7), program.client(8)]
    a.wish(proof(1))
    b.wish(proof(2))
    program.stream.message({ results: [{ session: 7, seq: 1 } as Result], refused: [key(1)] })
    expect(a.closed).toMatchObject({ code: Code.PERMISSION_DENIED })
    expect(a.heard).toEqual([])
    program.stream.tell([8, 1])
    expect(b.closed).toBeUndefined()
    expect(b.heard).toEqual(['8:1'])
  })
})

describe('clients of one program over PBFT', () => {
  const closing: { close(): unknown }[] = []
  afterEach(async () => {
    for (const one of closing.splice(0).reverse()) await one.close()
  })
  const signerOf = (n: number) => nodeSuite.signer(new Uint8Array(32).fill(n))
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

  function clientOf(cluster: FakePbft, n: number, extra: Partial<ClientOptions>): Client {
    const client = new Client({
      endpoints: cluster.endpoints,
      pbft: { cluster: { clusterId: 'c', replicas: cluster.keys }, signer: signerOf(n) },
      commandTimeoutMs: 8_000,
      ...extra,
    })
    closing.push(client)
    return client
  }

  it('each with its key get their own answers, in calm and in trouble', async () => {
    const cluster = await FakePbft.start()
    closing.push(cluster)
    const connections = new Connections()
    const clients = Array.from({ length: 12 }, (_, i) =>
      clientOf(cluster, 100 + i, { connections, primaryMs: 300 }),
    )
    const writeAndRead = async (client: Client, i: number, round: number) => {
      await client.put(`k${i}`, `${round}`)
      return text((await client.get(`k${i}`))?.value)
    }
    const all = (round: number) =>
      Promise.all(clients.map((client, i) => writeAndRead(client, i, round)))
    // Behind 16 operations a client hears two replicas only.
    for (let round = 0; round < 12; round++)
      expect(await all(round)).toEqual(clients.map(() => `${round}`))
    for (const name of ['n3', 'n4']) {
      cluster.node(name).lie = 'silent'
      expect(await all(100)).toEqual(clients.map(() => '100'))
      cluster.node(name).lie = 'none'
    }
    clients[0]!.close()
    expect(await writeAndRead(clients[1]!, 1, 200)).toBe('200')
  })

  it('a stranger among them is refused, and disturbs none of the others', async () => {
    const cluster = await FakePbft.start({ clients: [signerOf(50), signerOf(51)] })
    closing.push(cluster)
    const connections = new Connections()
    const known = [50, 51].map((n) => clientOf(cluster, n, { connections }))
    const stranger = clientOf(cluster, 52, { connections })
    const asked = known.map((client, i) => client.put(`a${i}`, '1'))
    await expect(stranger.put('a', '2')).rejects.toMatchObject({ kind: 'NotPermitted' })
    await Promise.all(asked)
    await expect(stranger.put('a', '2')).rejects.toMatchObject({ kind: 'NotPermitted' })
    for (const [i, client] of known.entries())
      expect(text((await client.get(`a${i}`))?.value)).toBe('1')
  })
})
