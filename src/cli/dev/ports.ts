/** Ports of this machine: free ones, and whether given ones are. */
import { createServer, type Server } from 'node:net'
import { usageError } from '../errors.js'
import { type Cluster, HOST } from './folder.js'

/** So many different ports that nobody listens on now. */
export async function pickPorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)))
  const ports = servers.map((server) => {
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  })
  await Promise.all(servers.map(close))
  return ports
}

/** Throws CliError naming the first port that cannot be had. */
export async function requireFree(cluster: Cluster): Promise<void> {
  for (const seat of cluster.nodes)
    for (const [port, use] of [
      [seat.clientPort, 'clients'],
      [seat.peerPort, 'peers'],
    ] as const) {
      try {
        await close(await listen(port))
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : 'taken'
        const what = code === 'EADDRINUSE' ? 'is taken' : `cannot be had (${code})`
        throw usageError(
          `port ${port} (${seat.name}, ${use}) ${what}: is a cluster running already? else choose others with --base-port, 0 for free ones`,
        )
      }
    }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: HOST, port, exclusive: true }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
