import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Counter, run } from '../../examples/counter/counter.js'
import { createNode, NodeError, SubmitError } from '../../src/index.js'
import { freePorts } from '../support/ports.js'

it('the counter example counts to five on all three nodes', async () => {
  expect(await run(await freePorts(3))).toEqual(['5', '5', '5'])
})

it('an embedded node keeps its state over a restart, by snapshot and log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quorate-embed-'))
  const [port] = await freePorts(1)
  const options = {
    name: 'solo',
    dataDir: dir,
    listenPeer: `127.0.0.1:${port}`,
    peers: { solo: `127.0.0.1:${port}` },
    timing: { electionTimeoutMs: 100, heartbeatMs: 20 },
    limits: { snapshotEntries: 10, keepEntries: 2 },
  }
  try {
    for (let life = 1; life <= 3; life++) {
      const node = await createNode({ ...options, machine: new Counter() })
      for (let i = 0; i < 25; i++) await submitOnce(node, Uint8Array.of(1))
      const sum = new TextDecoder().decode(await node.query(new Uint8Array(0)))
      expect(sum).toBe(String(25 * life))
      await node.close()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

it('takes no command while the disk has less room than its reserve', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quorate-embed-'))
  const [port] = await freePorts(1)
  const node = await createNode({
    name: 'solo',
    dataDir: dir,
    listenPeer: `127.0.0.1:${port}`,
    peers: { solo: `127.0.0.1:${port}` },
    machine: new Counter(),
    limits: { diskReserveBytes: Number.MAX_SAFE_INTEGER },
  })
  try {
    // No leader is needed to say so, and none is waited for once it is elected.
    const refusal = async () => {
      const error = await node.submit(Uint8Array.of(1)).catch((thrown: unknown) => thrown)
      return error instanceof SubmitError && error.outcome === 'Overloaded' ? error.message : null
    }
    let message = await refusal()
    while (message === null) {
      await new Promise((done) => setImmediate(done))
      message = await refusal()
    }
    expect(message).toMatch(/no space: [0-9]+ bytes left/)
  } finally {
    await node.close()
    await rm(dir, { recursive: true, force: true })
  }
})

it('says what is wrong with its options', async () => {
  const options = {
    name: 'a',
    dataDir: '/tmp/x',
    listenPeer: 'nonsense',
    peers: { a: '127.0.0.1:1' },
  }
  await expect(createNode(options)).rejects.toThrow('listenPeer: expected host:port')
  await expect(createNode({ ...options, name: 'b' })).rejects.toThrow(NodeError)
})

async function submitOnce(
  node: Awaited<ReturnType<typeof createNode>>,
  command: Uint8Array,
): Promise<void> {
  const end = Date.now() + 10_000
  for (;;) {
    try {
      await node.submit(command)
      return
    } catch (error) {
      // Neither was executed: nobody leads yet, or the disk is behind and wants us to back off.
      if (!(error instanceof SubmitError) || error.outcome === 'Indeterminate') throw error
      if (Date.now() > end) throw error
      await new Promise((done) => setTimeout(done, 10))
    }
  }
}
