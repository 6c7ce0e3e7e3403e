/** Ports for the nodes of a test: a slice for each worker, so that no two test files that run at once pick the same. */
import { PICKED, pickPorts } from '../../src/cli/dev/ports.js'

const SLICES = 16
const WIDTH = Math.floor((PICKED.end - PICKED.from) / SLICES)

const given = new Set<number>()

/** Consecutive, free a moment ago, and none of them given before. */
export async function freePorts(count: number): Promise<number[]> {
  const slice = Number(process.env.VITEST_POOL_ID ?? 0) % SLICES
  const from = PICKED.from + slice * WIDTH
  for (;;) {
    const ports = await pickPorts(count, { from, end: from + WIDTH })
    if (ports.some((port) => given.has(port))) continue
    for (const port of ports) given.add(port)
    return ports
  }
}
