/**
 * The contract of the port's `fetchSnapshot`, for both who implement it: a real node over real streams and files, and a
 * simulated one over a network that loses.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { concat } from '../../../src/base/bytes.js'
import type { SnapshotMeta } from '../../../src/consensus/contract.js'
import { nodeFileSystem } from '../../../src/node/file-system.js'
import { Snapshots } from '../../../src/node/snapshots.js'
import { StateTransfer } from '../../../src/node/state-transfer.js'
import { nativeHasher } from '../../../src/node/storage.js'
import { FakeHasher } from '../../../src/sim/disk/fake-hasher.js'
import { SimDisk } from '../../../src/sim/disk.js'
import { FaultCounts } from '../../../src/sim/faults.js'
import { Network, NO_LINK_FAULTS } from '../../../src/sim/network.js'
import { Life } from '../../../src/sim/node/life.js'
import { StateTransfer as SimStateTransfer } from '../../../src/sim/node/state-transfer.js'
import { World } from '../../../src/sim/world.js'
import { CUTTING } from '../../../src/state-transfer/cutter.js'
import { FETCHER_LIMITS } from '../../../src/state-transfer/fetcher.js'
import { lieAboutParts } from '../../../src/state-transfer/lie.js'
import { type Hashing, TreeHasher } from '../../../src/state-transfer/tree.js'
import { SnapshotStore } from '../../../src/wal/snapshot-store.js'
import { freePorts } from '../../support/ports.js'
import { addresses, META, others, TestNode } from '../communicator/support.js'
import { randomBytes, SMALL } from './support.js'

const INDEX = 70

/** n1 fetches; n2 and n3 have a snapshot. */
interface Rig {
  /** The node with this content at INDEX. */
  hold(id: string, content: Uint8Array): Promise<SnapshotMeta>
  /** Null: it is received. */
  fetch(from: string, target: SnapshotMeta): Promise<string | null>
  /** Of n1, as its own rules read it; null: there is no such file, or not the one. */
  file(target: SnapshotMeta): Promise<Uint8Array | null>
  /** All that n1 has on its disk. */
  names(): string[]
  lies(id: string): void
  /** It sends n1 nothing any more. */
  blocks(id: string): void
  heals(id: string): void
  close(): Promise<void>
}

const IDS = ['n1', 'n2', 'n3']

async function realRig(cutting = SMALL): Promise<Rig> {
  const hashing: Hashing = { newHasher: nativeHasher, cutting }
  const root = mkdtempSync(join(tmpdir(), 'quorate-state-'))
  const all = addresses(await freePorts(3))
  const held = new Map<string, SnapshotMeta>()
  const transfers = new Map<string, StateTransfer>()
  const nodes = new Map<string, TestNode>()
  const stores = new Map<string, SnapshotStore>()
  let ended: (why: string | null) => void = () => {}
  for (const id of IDS) {
    const folder = join(root, id)
    await new Promise<void>((resolve) => nodeFileSystem.mkdir(folder, () => resolve()))
    const store = new SnapshotStore(nodeFileSystem, folder, {
      newHasher: () => new TreeHasher(hashing),
      soon: setImmediate,
    })
    stores.set(id, store)
    const port = Number(all.get(id)?.split(':')[1])
    const node = new TestNode(id, port, others(all, id), {
      identity: { protocol: 'pbft' },
      parts: {
        asked: (snapshot, part, done) => transfers.get(id)?.asked(snapshot, part, done),
        answered: (from, part, data) => transfers.get(id)?.answered(from, part, data),
      },
    })
    const snapshots = new Snapshots(store, {
      commitIndex: () => 0,
      received: () => {},
      unreadable: () => {},
      failed: (error) => {
        throw new Error(error.message)
      },
    })
    transfers.set(
      id,
      new StateTransfer({
        communicator: node.communicator,
        snapshots,
        hashing,
        limits: { ...FETCHER_LIMITS, againMs: 50, patienceMs: 300 },
        newest: () => held.get(id)?.index ?? 0,
        received: () => ended(null),
        failed: (_from, why) => ended(why),
      }),
    )
    nodes.set(id, await node.start())
  }
  return {
    hold: (id, content) =>
      new Promise((resolve, reject) =>
        stores.get(id)?.write(INDEX, [content], (error, file) => {
          if (file === null) return reject(new Error(error?.message))
          const meta = { ...META, ...file }
          held.set(id, meta)
          resolve(meta)
        }),
      ),
    fetch: (from, target) =>
      new Promise((resolve) => {
        ended = resolve
        transfers
          .get('n1')
          ?.port()
          .fetchSnapshot?.(from, target, () => {})
      }),
    file: (target) =>
      new Promise((resolve) =>
        stores
          .get('n1')
          ?.read(target, (_error, pieces) => resolve(pieces === null ? null : concat(pieces))),
      ),
    names: () => readdirSync(join(root, 'n1')),
    lies: (id) => transfers.get(id)?.byzantine.set(true),
    blocks: (id) => nodes.get(id)?.communicator.setPartition(['n1']),
    heals: (id) => nodes.get(id)?.communicator.setPartition([]),
    close: async () => {
      for (const transfer of transfers.values()) transfer.close()
      await Promise.all([...nodes.values()].map((node) => node.stop()))
      rmSync(root, { recursive: true })
    },
  }
}

async function simulatedRig(): Promise<Rig> {
  const hashing: Hashing = { newHasher: () => new FakeHasher(), cutting: SMALL }
  const world = new World(3)
  const network = new Network(world, new FaultCounts(), 1, {
    ...NO_LINK_FAULTS,
    lost: 0.05,
    duplicated: 0.1,
    flipped: 0.05,
  })
  const held = new Map<string, number>()
  const liars = new Set<string>()
  const transfers = new Map<string, SimStateTransfer>()
  const disks = new Map<string, SimDisk>()
  let ended: string | null | undefined
  for (const id of IDS) {
    const life = new Life()
    life.begin()
    const disk = new SimDisk(world, {
      nodeId: id,
      syncMs: () => 1,
      segmentBytes: 4_096,
      newSnapshotHasher: () => new TreeHasher(hashing),
      onInjected: () => {},
      onRefusal: () => {},
      onFailure: () => {},
      awake: (task) => task(),
    })
    disks.set(id, disk)
    const context = {
      world,
      askPart: (by: string, from: string, bytes: Uint8Array) =>
        network.send(by, from, bytes, (arrived) => transfers.get(from)?.asked(by, arrived)),
      answerPart: (from: string, to: string, bytes: Uint8Array) =>
        network.send(from, to, bytes, (arrived) => transfers.get(to)?.answered(from, arrived)),
      tellsPart: (source: string, part: Uint8Array | null) =>
        liars.has(source) ? lieAboutParts(part, world.random) : { part },
      noted: (event: string) => {
        ended = event.replace('state-source-', '')
      },
    }
    const core = { status: () => ({ snapshotIndex: held.get(id) ?? 0 }) }
    const received = () => {
      ended = null
    }
    transfers.set(id, new SimStateTransfer({ id, context, disk, life, core, received }, hashing))
  }
  const disk = disks.get('n1')
  if (disk === undefined) throw new Error('no disk')
  return {
    hold: async (id, content) => {
      let meta: SnapshotMeta | null = null
      disks.get(id)?.writeSnapshot(INDEX, [content], (file) => {
        if (file !== null) meta = { ...META, ...file }
      })
      while (meta === null && world.step());
      if (meta === null) throw new Error('not written')
      held.set(id, INDEX)
      return meta
    },
    fetch: async (from, target) => {
      ended = undefined
      transfers.get('n1')?.fetch(from, target, () => {})
      while (ended === undefined && world.step());
      return ended ?? null
    },
    file: async (target) => {
      let content: Uint8Array | null | undefined
      disk.readSnapshot(target, (pieces) => {
        content = pieces === null ? null : concat([...pieces])
      })
      while (content === undefined && world.step());
      return content ?? null
    },
    names: () =>
      [...disk.image().keys()]
        .filter((path) => path.startsWith('snap/'))
        .map((path) => path.slice(5)),
    lies: (id) => liars.add(id),
    blocks: (id) => network.block(id, 'n1'),
    heals: () => network.heal(),
    close: async () => {},
  }
}

let rig: Rig | null = null
afterEach(async () => {
  await rig?.close()
  rig = null
})

describe.each([
  ['a real node', realRig],
  ['a simulated node', simulatedRig],
])('fetchSnapshot of %s', (_name, newRig) => {
  const content = randomBytes(1, 6_000)

  it('brings the very file, under its name, whole', async () => {
    rig = await newRig()
    const target = await rig.hold('n2', content)
    expect(await rig.fetch('n2', target)).toBeNull()
    expect(await rig.file(target)).toEqual(content)
    expect(rig.names()).toEqual(['snap-00000000000046.snap'])
  })

  it('fails at a source that lies, and nothing has the name; the next source is enough', async () => {
    rig = await newRig()
    const target = await rig.hold('n2', content)
    await rig.hold('n3', content)
    rig.lies('n3')
    expect(['lied', 'silent', 'has it not']).toContain(await rig.fetch('n3', target))
    expect(await rig.file(target)).toBeNull()
    expect(await rig.fetch('n2', target)).toBeNull()
    expect(await rig.file(target)).toEqual(content)
  })

  it('fails in bounded time at a source that a partition keeps from answering', async () => {
    rig = await newRig()
    const target = await rig.hold('n2', content)
    await rig.hold('n3', content)
    rig.blocks('n3')
    expect(await rig.fetch('n3', target)).toBe('silent')
    rig.blocks('n2')
    expect(await rig.fetch('n2', target)).toBe('silent')
    rig.heals('n2')
    expect(await rig.fetch('n2', target)).toBeNull()
    expect(await rig.file(target)).toEqual(content)
  })

  it('fails at a source that has another snapshot, or none', async () => {
    rig = await newRig()
    const target = await rig.hold('n2', content)
    await rig.hold('n3', randomBytes(2, 500))
    expect(await rig.fetch('n3', target)).toBe('has it not')
    expect(await rig.fetch('n2', target)).toBeNull()
  })
})

it('parts as large as they get in production pass the streams', async () => {
  rig = await realRig(CUTTING)
  // Nothing in it asks for a cut.
  const content = new Uint8Array(3 * CUTTING.chunkBytesMax + 5)
  const target = await rig.hold('n2', content)
  expect(await rig.fetch('n2', target)).toBeNull()
  expect(Buffer.compare((await rig.file(target)) ?? new Uint8Array(0), content)).toBe(0)
})
