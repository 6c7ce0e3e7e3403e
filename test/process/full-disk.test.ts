/** What clients get from a cluster of which one node has no room left. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Client } from '../../src/client/index.js'
import { createNode, type QuorateNode } from '../../src/index.js'
import { freePorts } from '../support/ports.js'

it('a follower whose disk is full names the leader, so a client that knows only it gets on', async () => {
  const root = await mkdtemp(join(tmpdir(), 'quorate-full-'))
  const [p1, p2, p3, ...clientPorts] = await freePorts(6)
  const peers = { n1: `127.0.0.1:${p1}`, n2: `127.0.0.1:${p2}`, n3: `127.0.0.1:${p3}` }
  const nodes: QuorateNode[] = []
  const start = async (name: keyof typeof peers, diskReserveBytes: number, port: number) => {
    const node = await createNode({
      name,
      peers,
      dataDir: join(root, name),
      listenPeer: peers[name],
      listenClient: `127.0.0.1:${port}`,
      timing: { electionTimeoutMs: 300, heartbeatMs: 30 },
      limits: { diskReserveBytes },
    })
    nodes.push(node)
    return node
  }
  // If it is elected first, it gives that away, too.
  const full = await start('n1', Number.MAX_SAFE_INTEGER, clientPorts[0]!)
  await start('n2', 0, clientPorts[1]!)
  await start('n3', 0, clientPorts[2]!)
  const client = new Client({ endpoints: [full.clientEndpoint!], commandTimeoutMs: 40_000 })
  try {
    await client.put('k', 'v')
    expect(full.status().leader).not.toBe('n1')
  } finally {
    client.close()
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  }
})
