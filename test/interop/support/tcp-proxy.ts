/** Stands between a client and a node, and does to their connections what networks do. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class TcpProxy {
  readonly endpoint: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: { readonly host: string; readonly port: number }
  #refusing = false
  #swallowing = false

  private constructor(server: Server, endpoint: string, target: string) {
    this.#server = server
    this.endpoint = endpoint
    const [host = '', port = ''] = target.split(':')
    this.#target = { host, port: Number(port) }
    server.on('connection', (socket) => this.#join(socket))
  }

  static async start(target: string): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return new TcpProxy(server, `127.0.0.1:${port}`, target)
  }

  /** Breaks every connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  /** Breaks every connection, and each new one at once. */
  refuse(): void {
    this.#refusing = true
    this.cut()
  }

  /** What the node says is dropped from now on. */
  swallow(): void {
    this.#swallowing = true
  }

  accept(): void {
    this.#refusing = false
    this.#swallowing = false
  }

  async close(): Promise<void> {
    this.cut()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #join(client: Socket): void {
    if (this.#refusing) {
      client.destroy()
      return
    }
    const node = connect(this.#target)
    for (const socket of [client, node]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('data', (chunk) => node.write(chunk))
    node.on('data', (chunk) => {
      if (!this.#swallowing) client.write(chunk)
    })
    client.on('close', () => this.#part(client, node))
    node.on('close', () => this.#part(client, node))
  }

  #part(client: Socket, node: Socket): void {
    for (const socket of [client, node]) {
      socket.destroy()
      this.#sockets.delete(socket)
    }
  }
}
