/** Ports of this machine: free ones, and whether given ones are. */
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { usageError } from '../errors.js'
import { type Cluster, HOST } from './folder.js'

/** Ports, from the first up to, not including, the end. */
export interface PortRange {
  readonly from: number
  readonly end: number
}

/**
 * What a system gives to connections that go out begins at 32768 (Linux) or 49152 (others). A port of those may be
 * taken by any program's next call while the node that it was picked for is not yet there, or is being restarted.
 */
export const PICKED: PortRange = { from: 10_000, end: 32_768 }

/** So many consecutive ports that nobody listens on now, from a random place on. Throws CliError if there are none. */
export async function pickPorts(count: number, range = PICKED): Promise<number[]> {
  const starts = range.end - range.from - count + 1
  const first = starts > 0 ? randomInt(starts) : 0
  for (let tried = 0; tried < starts; ) {
    const start = range.from + ((first + tried) % starts)
    const free = await countFree(start, count)
    if (free === count) return Array.from({ length: count }, (_, i) => start + i)
    tried += free + 1
  }
  const where = `from ${range.from} to ${range.end - 1}`
  throw usageError(`no ${count} free ports in a row ${where}: choose them with --base-port`)
}

/** How many from this port on are free before one that is not. */
async function countFree(start: number, count: number): Promise<number> {
  for (let i = 0; i < count; i++) {
    const server = await listen(start + i).catch(() => null)
    if (server === null) return i
    await close(server)
  }
  return count
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
