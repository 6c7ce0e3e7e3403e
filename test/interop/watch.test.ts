/** One stream of watches, asked the same of etcd and of us: each answer is the same, but for whom of several is told first. */
import { expect, it } from 'vitest'
import type {
  WatchCreateRequest,
  WatchRequest,
  WatchResponse,
} from '../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { connect } from '../../src/rpc/channel.js'
import { etcdKv, etcdWatch } from '../../src/rpc/etcd-services.js'
import { b, command, del, put, t } from '../unit/machine/helpers.js'
import { OURS, startEtcd, type Target } from './support/targets.js'

const NOPUT = 0
const NODELETE = 1
const ALL = { rangeEnd: b('z'), prevKv: true }

/** What is asked, one after the other, and how many answers each has. */
async function told({ endpoints: [endpoint = ''] }: Target): Promise<string[][]> {
  const channel = connect(endpoint)
  const answers: WatchResponse[] = []
  const steps: string[][] = []
  const stream = channel.stream(etcdWatch.watch)
  stream.onMessage((answer) => answers.push(answer))
  const heard = async (count: number) => {
    await expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
    steps.push(answers.splice(0).map(inWords).sort())
  }
  const say = async (requestUnion: WatchRequest['requestUnion'], count: number) => {
    stream.write({ requestUnion })
    await heard(count)
  }
  const create = (more: Partial<WatchCreateRequest>, count = 1) => {
    const flags = { progressNotify: false, prevKv: false, fragment: false, filters: [] }
    const key = { key: b('a'), rangeEnd: b(''), startRevision: 0, watchId: 0 }
    return say({ $case: 'createRequest', value: { ...key, ...flags, ...more } }, count)
  }
  const cancel = (watchId: number, count: number) =>
    say({ $case: 'cancelRequest', value: { watchId } }, count)
  const write = async (key: string, value: string | null, count: number) => {
    if (value !== null)
      await channel.unary(etcdKv.put, command.put(put({ key, value })).subarray(1))
    else await channel.unary(etcdKv.deleteRange, command.del(del({ key })).subarray(1))
    await heard(count)
  }
  try {
    await write('a', '1', 0)
    await write('b', '1', 0)
    await write('a', null, 0)
    // Ids of the server's and of the client's, one of which is taken, and one below zero.
    await create({})
    await create(ALL)
    for (const watchId of [5, 5, -7]) await create({ watchId })
    for (const filters of [[NOPUT], [NODELETE], [NOPUT, NODELETE]] as const)
      await create({ filters: [...filters] })
    await write('a', '2', 5)
    await write('b', '2', 1)
    await write('a', null, 5)
    await say({ $case: 'progressRequest', value: {} }, 1)
    await cancel(5, 1)
    // Nobody has them: in silence.
    await cancel(5, 0)
    await cancel(99, 0)
    // From the past, the future, the compacted past, and exactly the compacted revision.
    await create({ ...ALL, watchId: 5, startRevision: 2 }, 2)
    await create({ watchId: 50, startRevision: 100 })
    await channel.unary(etcdKv.compact, command.compact(5).subarray(1))
    await create({ ...ALL, watchId: 60, startRevision: 5 }, 2)
    for (const watchId of [61, 0]) await create({ ...ALL, watchId, startRevision: 4 }, 2)
    // Every key, no key, and ranges that are none.
    await create({ key: b(''), rangeEnd: b('\0'), watchId: 62, startRevision: 6 }, 2)
    await create({ key: b(''), watchId: 63, startRevision: 6 })
    await create({ key: b('b'), rangeEnd: b('a'), watchId: 64 })
    await create({ key: b('b'), rangeEnd: b('b'), watchId: 65 })
    return steps
  } finally {
    channel.close()
  }
}

function inWords({ header, watchId, created, canceled, events, ...rest }: WatchResponse): string {
  const { compactRevision, cancelReason } = rest
  const lines = events.map(({ type, kv, prevKv }) => {
    const now = `${type} ${t(kv?.key ?? b(''))}=${t(kv?.value ?? b(''))}@${kv?.modRevision}`
    return prevKv === undefined ? now : `${now} was ${t(prevKv.value)}@${prevKv.modRevision}`
  })
  const what = { revision: header?.revision, created, canceled, compactRevision, cancelReason }
  return JSON.stringify({ watchId, ...what, lines })
}

it('a stream of watches is told what etcd tells', { timeout: 90_000 }, async () => {
  const seen: string[][][] = []
  for (const start of [startEtcd, ...OURS.map(([, ours]) => ours)]) {
    const target = await start()
    try {
      seen.push(await told(target))
    } finally {
      await target.close()
    }
  }
  const [etcd, ...ours] = seen
  expect(etcd?.flat().length).toBe(35)
  for (const one of ours) expect(one).toEqual(etcd)
})
