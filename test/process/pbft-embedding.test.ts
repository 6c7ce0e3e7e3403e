/** A machine of one's own over PBFT: four nodes embedded, each asking under a client's key of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Counter } from '../../examples/counter/counter.js'
import { CLUSTER_FILE, writeCluster } from '../../src/cli/dev/folder.js'
import { frontDoorOf, keyFileOf, withKeys } from '../../src/cli/dev/keys.js'
import { createNode, type QuorateNode, SubmitError } from '../../src/index.js'
import { freePorts } from '../support/ports.js'

const NAMES = ['n1', 'n2', 'n3', 'n4'] as const

/** A command that was not executed is asked again; no node leads until all have formed. */
async function submitted(node: QuorateNode, command: Uint8Array): Promise<string> {
  const end = Date.now() + 20_000
  for (;;) {
    try {
      return new TextDecoder().decode(await node.submit(command))
    } catch (error) {
      if (!(error instanceof SubmitError) || error.outcome === 'Indeterminate') throw error
      if (Date.now() > end) throw error
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}

it('each of four nodes asks for its own program, backups too, reads in order, and one without a key for that says so', async () => {
  const root = await mkdtemp(join(tmpdir(), 'quorate-embed-'))
  const ports = await freePorts(2 * NAMES.length)
  const seats = NAMES.map((name, i) => ({
    name,
    clientPort: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }))
  writeCluster(root, withKeys(root, { version: 1, protocol: 'pbft', token: 'test', nodes: seats }))
  const peers = Object.fromEntries(seats.map((seat) => [seat.name, `127.0.0.1:${seat.peerPort}`]))
  const nodes: QuorateNode[] = []
  try {
    for (const name of NAMES)
      nodes.push(
        await createNode({
          name,
          dataDir: join(root, name),
          listenPeer: peers[name] ?? '',
          peers,
          protocol: 'pbft',
          pbft: {
            clusterFile: join(root, CLUSTER_FILE),
            keyFile: keyFileOf(root, name),
            // n4 takes part, and asks nothing.
            ...(name === 'n4' ? {} : { frontDoorKeyFile: keyFileOf(root, frontDoorOf(name)) }),
          },
          machine: new Counter(),
        }),
      )
    const [n1, n2, n3, n4] = nodes
    if (!n1 || !n2 || !n3 || !n4) throw new Error('four nodes')
    for (const [i, node] of [n1, n2, n3].entries())
      expect(await submitted(node, Uint8Array.of(1))).toBe(String(i + 1))
    // At its place in the order: the last command is in it, whichever node is asked.
    for (const node of [n3, n2, n1])
      expect(new TextDecoder().decode(await node.query(new Uint8Array(0)))).toBe('3')
    for (const asked of [n4.submit(Uint8Array.of(1)), n4.query(new Uint8Array(0))])
      await expect(asked).rejects.toThrow('frontDoorKeyFile')
    expect(new TextDecoder().decode(await n1.query(new Uint8Array(0)))).toBe('3')
  } finally {
    for (const node of nodes) await node.close()
    await rm(root, { recursive: true, force: true })
  }
})
