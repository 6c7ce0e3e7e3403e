/** What the nemesis can do to a cluster: each begins something, and gives what ends it. */
import { chance, nextInt, pick, type RandomState, shuffled } from '../../../src/base/random.js'
import type { TargetFaults } from '../../../src/client/index.js'
import type { ChaosCluster } from './cluster.js'
import type { NodeProcess } from './node-process.js'
import { type Blocks, SHAPES, type ShapeName } from './shapes.js'

/** A node that was starved or just started takes so long to take an order at most. */
const ORDER_MS_MAX = 30_000
const CALL_MS = 2_000

export interface Scene {
  readonly cluster: ChaosCluster
  readonly random: RandomState
  readonly holdMs: number
  /** Waits, or returns early when the run is over. */
  readonly wait: (ms: number) => Promise<void>
}

export interface Begun {
  readonly what: string
  /** Lasts as long as it must by itself; else the nemesis waits `holdMs`. */
  readonly lasting?: Promise<void>
  readonly end: () => Promise<void>
}

type Fault = (scene: Scene) => Promise<Begun>

/** The leader rather often, since there is most to break. */
async function victim({ cluster, random }: Scene): Promise<NodeProcess> {
  const drawn = pick(random, cluster.nodes)
  const atLeader = chance(random, 0.6)
  return atLeader ? ((await cluster.leader()) ?? drawn) : drawn
}

async function whoeverLeads(scene: Scene): Promise<NodeProcess> {
  return (await scene.cluster.leader()) ?? pick(scene.random, scene.cluster.nodes)
}

async function kill(nodes: readonly NodeProcess[]): Promise<Begun> {
  await Promise.all(nodes.map((node) => node.end('SIGKILL')))
  return {
    what: nodes.map((node) => node.name).join(),
    end: async () => {
      for (const node of nodes) node.start()
    },
  }
}

function pause(nodes: readonly NodeProcess[]): Begun {
  for (const node of nodes) node.pause()
  return {
    what: nodes.map((node) => node.name).join(),
    end: async () => {
      for (const node of nodes) node.resume()
    },
  }
}

/** At most so many at once that the rest is no quorum. */
function several({ cluster, random }: Scene): NodeProcess[] {
  const majority = Math.floor(cluster.nodes.length / 2) + 1
  return shuffled(random, cluster.nodes).slice(0, nextInt(random, 2, majority))
}

export async function block(cluster: ChaosCluster, blocks: Blocks): Promise<void> {
  await Promise.all(
    cluster.nodes
      .filter((node) => node.answers)
      .map((node) =>
        order(cluster, node, () =>
          cluster.admin.setPartition(node.endpoint, blocks.get(node.name) ?? [], {
            timeoutMs: CALL_MS,
          }),
        ),
      ),
  )
}

async function disturb(cluster: ChaosCluster, targets: readonly TargetFaults[]): Promise<void> {
  await Promise.all(
    cluster.nodes
      .filter((node) => node.answers)
      .map((node) =>
        order(cluster, node, () =>
          cluster.admin.setFaults(node.endpoint, targets, { timeoutMs: CALL_MS }),
        ),
      ),
  )
}

/** Until the node has taken it; one that is down has nothing to be told. */
async function order(
  cluster: ChaosCluster,
  node: NodeProcess,
  tell: () => Promise<void>,
): Promise<void> {
  await cluster.until(`${node.name} taking an order`, ORDER_MS_MAX, async () => {
    if (!node.answers) return true
    return await tell().then(
      () => true,
      () => null,
    )
  })
}

function partition(name: ShapeName, whom: typeof victim = victim): Fault {
  return async (scene) => {
    const { cluster, random } = scene
    const target = await whom(scene)
    const blocks = SHAPES[name](cluster.names, target.name, random)
    await block(cluster, blocks)
    return {
      what: [...blocks].map(([from, to]) => `${from}-/->${to.join('+')}`).join(' '),
      end: () => block(cluster, new Map()),
    }
  }
}

const flapping: Fault = async (scene) => {
  const { cluster, random, wait, holdMs } = scene
  const target = await victim(scene)
  const cut = SHAPES.isolate(cluster.names, target.name)
  const flap = async () => {
    const end = performance.now() + holdMs
    while (performance.now() < end) {
      await block(cluster, cut)
      await wait(nextInt(random, 100, 1_200))
      await block(cluster, new Map())
      await wait(nextInt(random, 100, 800))
    }
  }
  return { what: target.name, lasting: flap(), end: () => block(cluster, new Map()) }
}

function network(of: (random: RandomState) => Partial<TargetFaults>): Fault {
  return async ({ cluster, random }) => {
    const nodeId = chance(random, 0.6) ? '' : pick(random, cluster.names)
    const none = { loss: 0, duplication: 0, reorder: 0, delayMinMs: 0, delayMaxMs: 0 }
    const target = { nodeId, ...none, ...of(random) }
    await disturb(cluster, [target])
    return { what: JSON.stringify(target), end: () => disturb(cluster, []) }
  }
}

/** The leader stops for about an election timeout, again and again: each time it may wake up deposed, with work to do. */
const stutter: Fault = async (scene) => {
  const { cluster, random, wait, holdMs } = scene
  const roll = async () => {
    const end = performance.now() + 2 * holdMs
    while (performance.now() < end) {
      const leader = await cluster.leader()
      leader?.pause()
      await wait(nextInt(random, 700, 1_800))
      leader?.resume()
      await wait(nextInt(random, 100, 500))
    }
  }
  return { what: 'whoever leads', lasting: roll(), end: async () => {} }
}

const rollingRestart: Fault = async ({ cluster, random }) => {
  const names = shuffled(random, cluster.nodes)
  const roll = async () => {
    for (const node of names) {
      await node.end('SIGTERM')
      node.start()
      await cluster.until(`${node.name} being back`, ORDER_MS_MAX, async () =>
        (await cluster.statusOf(node))?.formed === true ? true : null,
      )
    }
  }
  return { what: names.map((node) => node.name).join(), lasting: roll(), end: async () => {} }
}

const handOver: Fault = async ({ cluster, random }) => {
  const to = pick(random, cluster.names)
  // It may be refused: there may be no leader, or it is the one.
  await cluster.admin.transferLeadership(to, { timeoutMs: CALL_MS }).catch(() => {})
  return { what: to, lasting: Promise.resolve(), end: async () => {} }
}

/** What opens every run, however short: a leader that does not know of its successor. */
export const ISOLATE_LEADER = 'isolate the leader'

export const NETWORK_FAULTS: Readonly<Record<string, Fault>> = {
  [ISOLATE_LEADER]: partition('isolate', whoeverLeads),
  isolate: partition('isolate'),
  split: partition('split'),
  shatter: partition('shatter'),
  mute: partition('mute'),
  deaf: partition('deaf'),
  bridge: partition('bridge'),
  ring: partition('ring'),
  flapping,
  loss: network((random) => ({ loss: nextInt(random, 5, 40) / 100 })),
  delay: network((random) => ({ delayMinMs: 20, delayMaxMs: nextInt(random, 40, 400) })),
  reorder: network((random) => ({ reorder: 0.3, delayMaxMs: nextInt(random, 5, 60) })),
  duplication: network((random) => ({ duplication: nextInt(random, 10, 90) / 100 })),
  'all of it': network((random) => ({
    loss: 0.1,
    duplication: 0.2,
    reorder: 0.2,
    delayMaxMs: nextInt(random, 10, 100),
  })),
}

export const PROCESS_FAULTS: Readonly<Record<string, Fault>> = {
  'kill one': async (scene) => kill([await victim(scene)]),
  'kill some': async (scene) => kill(several(scene)),
  'kill all': async ({ cluster }) => kill(cluster.nodes),
  'pause one': async (scene) => pause([await victim(scene)]),
  'pause some': async (scene) => pause(several(scene)),
  stutter,
  'rolling restart': rollingRestart,
  'hand over': handOver,
}
