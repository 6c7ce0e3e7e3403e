import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Client, Connections } from '../../../src/client/index.js'
import { FakeCluster } from './fake-cluster.js'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** In front of one node; counts who connects, and cuts them off. */
class Door {
  readonly sockets = new Set<Socket>()
  connected = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async before(endpoint: string): Promise<Door> {
    const port = Number(endpoint.split(':')[1])
    const server = createServer((inside) => {
      door.connected++
      const outside = connect(port, '127.0.0.1')
      for (const [from, to] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        door.sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => {
          door.sockets.delete(from)
          to.destroy()
        })
        from.pipe(to)
      }
    })
    const door = new Door(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return door
  }

  get endpoint(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the door is shut')
    return `127.0.0.1:${address.port}`
  }

  /** Nobody is connected any more. */
  async emptied(): Promise<void> {
    for (const socket of this.sockets) if (!socket.closed) await once(socket, 'close')
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  close(): Promise<void> {
    this.cut()
    return new Promise((done) => this.#server.close(() => done()))
  }
}

async function world(): Promise<Door> {
  const cluster = await FakeCluster.start(1)
  open.push(cluster)
  const door = await Door.before(cluster.node('n1').endpoint)
  open.push(door)
  return door
}

function client(door: Door, connections?: Connections): Client {
  const made = new Client({
    endpoints: [door.endpoint],
    transport: 'stream',
    ...(connections === undefined ? {} : { connections }),
  })
  open.push(made)
  return made
}

describe('connections of clients', () => {
  it('are their own, unless they share them', async () => {
    const door = await world()
    for (const one of [client(door), client(door)]) await one.put('a', '1')
    expect(door.connected).toBe(2)
    const connections = new Connections()
    for (let i = 0; i < 5; i++) await client(door, connections).put('a', '1')
    expect(door.connected).toBe(3)
    await client(door, new Connections()).put('a', '1')
    expect(door.connected).toBe(4)
  })

  it('take so many clients and no more; who leaves makes room', async () => {
    const door = await world()
    const connections = new Connections({ clientsMax: 2 })
    const [first] = await Promise.all(
      [1, 2, 3].map(async () => {
        const one = client(door, connections)
        await one.put('a', '1')
        return one
      }),
    )
    expect(door.connected).toBe(2)
    first?.close()
    first?.close()
    await client(door, connections).put('a', '1')
    await client(door, connections).put('a', '1')
    expect(door.connected).toBe(2)
    await client(door, connections).put('a', '1')
    expect(door.connected).toBe(3)
  })

  it('stay for those that stay', async () => {
    const door = await world()
    const connections = new Connections()
    const goes = client(door, connections)
    const stays = client(door, connections)
    await Promise.all([goes.put('a', '1'), stays.put('a', '1')])
    const asked = stays.put('b', '2')
    goes.close()
    await asked
    expect(Buffer.from((await stays.get('b'))!.value).toString()).toBe('2')
    await expect(goes.put('c', '3')).rejects.toThrow()
    expect(door.connected).toBe(1)
  })

  it('go with the last client', async () => {
    const door = await world()
    const connections = new Connections()
    const clients = [client(door, connections), client(door, connections)]
    for (const one of clients) await one.put('a', '1')
    expect(door.sockets.size).toBe(2)
    for (const one of clients) one.close()
    await door.emptied()
    await client(door, connections).put('a', '1')
    expect(door.connected).toBe(2)
  })

  it('that break are opened again, by all together', async () => {
    const door = await world()
    const connections = new Connections()
    const clients = [client(door, connections), client(door, connections)]
    for (const one of clients) await one.put('a', '1')
    door.cut()
    await Promise.all(clients.map((one) => one.put('b', '2')))
    expect(door.connected).toBe(2)
  })

  it('for nobody are refused', () => {
    for (const clientsMax of [0, -1, 1.5, Number.NaN])
      expect(() => new Connections({ clientsMax })).toThrow(RangeError)
  })
})
