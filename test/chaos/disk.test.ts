/** Real nodes on disks that fail, with clients at work all the while; the history must stand here too. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { SEED } from './support/budget.js'
import type { ChaosCluster } from './support/cluster.js'
import { failSyncs, fiuRun, flipBytes, requireFiu, SmallDisk } from './support/disk.js'
import type { NodeProcess } from './support/node-process.js'
import { chaosRun, RECOVERY_MS_MAX, type Running } from './support/run.js'

const TEST_MS_MAX = 300_000
/** The disk that a node looks at every second is full, or its sync has failed. */
const NOTICE_MS_MAX = 30_000
const DISK_FAILED = 8
const MEMBERS = 3

/** Makes `node` lead, so that what breaks it breaks most. */
async function makeLeader(cluster: ChaosCluster, node: NodeProcess): Promise<void> {
  await cluster.until(`${node.name} leading`, RECOVERY_MS_MAX, async () => {
    if ((await cluster.leader())?.name === node.name) return true
    await cluster.admin.transferLeadership(node.name).catch(() => {})
    return null
  })
}

/** Until the clients were told so many successes more. */
async function acknowledged({ cluster, workload }: Running, more: number): Promise<void> {
  const before = workload.acknowledged
  await cluster.until(`${more} operations`, RECOVERY_MS_MAX, async () =>
    workload.acknowledged >= before + more ? true : null,
  )
}

it.skipIf(process.getuid?.() !== 0)(
  'a full disk',
  async () => {
    const path = mkdtempSync(join(tmpdir(), 'quorate-small-'))
    const disk = new SmallDisk(path, 320)
    try {
      await chaosRun({
        name: 'a full disk',
        nodes: MEMBERS,
        seed: SEED,
        dataDirs: new Map([['n1', join(path, 'n1')]]),
        nemesis: async (running) => {
          const { cluster } = running
          const victim = cluster.node('n1')
          await makeLeader(cluster, victim)
          await acknowledged(running, 50)
          // Too little to be safe: it hands over while it still can, and takes nothing new.
          disk.fillUpTo(64)
          await cluster.until('another leader', NOTICE_MS_MAX, async () => {
            const leader = await cluster.leader()
            return leader !== null && leader !== victim ? true : null
          })
          await acknowledged(running, 50)
          // None at all: it ends as it must, once the log asks for more.
          victim.mayExit(DISK_FAILED)
          disk.fillUpTo(0)
          await writeUntilDown(cluster, victim)
          await acknowledged(running, 50)
          disk.empty()
          victim.start()
          await cluster.healthy(RECOVERY_MS_MAX)
        },
      })
    } finally {
      disk.unmount()
      rmSync(path, { recursive: true, force: true })
    }
  },
  TEST_MS_MAX,
)

/** More than a segment and its spare hold together. */
async function writeUntilDown(cluster: ChaosCluster, victim: NodeProcess): Promise<void> {
  const value = 'x'.repeat(1_000_000)
  for (let i = 0; i < 80 && victim.alive; i++) await cluster.admin.put('filler', value)
  await cluster.admin.del('filler')
  await cluster.until(`${victim.name} ending`, NOTICE_MS_MAX, async () =>
    victim.alive ? null : true,
  )
}

it(
  'a leader whose disk no longer syncs',
  async () => {
    requireFiu()
    await chaosRun({
      name: 'a leader whose disk no longer syncs',
      nodes: MEMBERS,
      seed: SEED,
      nemesis: async (running) => {
        const { cluster } = running
        const victim = cluster.node('n2')
        await victim.end('SIGTERM')
        victim.start(fiuRun(victim))
        await cluster.healthy(RECOVERY_MS_MAX)
        await makeLeader(cluster, victim)
        await acknowledged(running, 50)
        victim.mayExit(DISK_FAILED)
        const ended = victim.exited()
        failSyncs(victim)
        await ended
        await acknowledged(running, 50)
        victim.start()
        await cluster.healthy(RECOVERY_MS_MAX)
      },
    })
  },
  TEST_MS_MAX,
)

it(
  'a node alone whose disk no longer syncs acknowledges nothing more',
  async () => {
    requireFiu()
    await chaosRun({
      name: 'a node alone whose disk no longer syncs acknowledges nothing more',
      nodes: 1,
      seed: SEED,
      nemesis: async (running) => {
        const { cluster, history } = running
        const [victim] = cluster.nodes
        if (victim === undefined) throw new Error('no node')
        await victim.end('SIGTERM')
        victim.start(fiuRun(victim))
        await acknowledged(running, 50)
        victim.mayExit(DISK_FAILED)
        const ended = victim.exited()
        failSyncs(victim)
        const from = history.lines.length
        await ended
        // What was asked for after that had no sync left to be acknowledged by.
        const asked = new Set<number>()
        const wrong = history.lines.slice(from).filter(({ type, f, process }) => {
          if (type === 'invoke') asked.add(process)
          const changes = f === 'write' || f === 'append' || f === 'cas'
          return type === 'ok' && changes && asked.has(process)
        })
        expect(wrong).toEqual([])
        victim.start()
        await cluster.healthy(RECOVERY_MS_MAX)
      },
    })
  },
  TEST_MS_MAX,
)

it(
  'a log that rotted while its node was down heals from the others',
  async () => {
    await chaosRun({
      name: 'a log that rotted while its node was down heals from the others',
      nodes: MEMBERS,
      seed: SEED,
      nemesis: async (running) => {
        const { cluster } = running
        const victim = cluster.node('n3')
        await acknowledged(running, 200)
        await victim.end('SIGTERM')
        const where = flipBytes(victim, seededRandom(SEED), 3)
        console.log(`flipped: ${where.join(', ')}`)
        await acknowledged(running, 50)
        victim.start()
        await cluster.healthy(RECOVERY_MS_MAX)
      },
    })
  },
  TEST_MS_MAX,
)
