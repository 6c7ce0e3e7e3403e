/** Each metric under etcd's name moves when the thing happens that it counts, and by as much. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EtcdClient } from '../../../../src/client/etcd/client.js'
import { op } from '../../../../src/client/etcd/txn.js'
import { putRequest } from '../../../../src/client/kv.js'
import { PutRequest } from '../../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag, encodeCommand } from '../../../../src/machine/kv/commands.js'
import { GarbageCollector } from '../../../../src/node/garbage.js'
import { CallTally } from '../../../../src/rpc/call-tally.js'
import { connect } from '../../../../src/rpc/channel.js'
import { etcdMaintenance } from '../../../../src/rpc/etcd-services.js'
import { CLIENT_PORT_LIMITS } from '../../../../src/rpc/limits.js'
import { createServer } from '../../../../src/rpc/server.js'
import type { Channel, Server } from '../../../../src/rpc/types.js'
import { Metrics } from '../../../../src/server/http/metrics/metrics.js'
import type { PeerNumbers } from '../../../../src/server/http/metrics/network.js'
import { Member } from './member.js'

const metrics = new Metrics()
const member = new Member(null, undefined, metrics.times)
const tally = new CallTally(member.routes)
const numbers = {
  leader: null as string | null,
  isLeader: false,
  leaderChanges: 0,
  term: 0,
  committed: 0,
  applied: 0,
  pending: 0,
  unsyncedBatches: 0,
}
let peer: PeerNumbers = {
  memberId: '10',
  connected: false,
  bytesSent: 0,
  bytesReceived: 0,
  sendsFailed: 0,
  disconnects: 0,
}
const counters = new Map([['wal_bytes', 0]])
let server: Server
let client: EtcdClient
let channel: Channel

beforeAll(async () => {
  metrics.read({
    version: '1',
    protocol: 'raft',
    memberId: '255',
    quotaBytes: 7,
    tally,
    server: () => numbers,
    store: member.kv,
    etcd: { watch: () => member.hub.numbers, outcomes: member.outcomes },
    peers: () => [peer],
    counters: () => counters,
  })
  server = createServer({ routes: member.routes, limits: CLIENT_PORT_LIMITS, tally })
  const { port } = await server.listen('127.0.0.1', 0)
  client = new EtcdClient({ endpoints: [`127.0.0.1:${port}`] })
  channel = connect(`127.0.0.1:${port}`)
})

afterAll(async () => {
  client.close()
  channel.close()
  await server.close(0)
})

/** By name and labels, as they are printed. */
async function read(): Promise<Map<string, number>> {
  const { text } = await metrics.text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

async function moved(act: () => unknown): Promise<(name: string) => number> {
  const before = await read()
  await act()
  const after = await read()
  return (name) => {
    const value = after.get(name)
    if (value === undefined) throw new Error(`there is no ${name}`)
    return value - (before.get(name) ?? 0)
  }
}

const both = (name: string) => [`etcd_mvcc_${name}`, `etcd_debugging_mvcc_${name}`]

describe('the store', () => {
  test('puts, their bytes, the revision, keys and bytes held', async () => {
    const by = await moved(() => client.put('key', 'value'))
    for (const name of both('put_total')) expect(by(name)).toBe(1)
    expect(by('etcd_debugging_mvcc_total_put_size_in_bytes')).toBe(8)
    expect(by('etcd_debugging_mvcc_current_revision')).toBe(1)
    expect(by('etcd_debugging_mvcc_keys_total')).toBe(1)
    for (const name of both('db_total_size_in_bytes')) expect(by(name)).toBe(8)
    expect(by('etcd_mvcc_db_total_size_in_use_in_bytes')).toBe(8)
  })

  test('a put that keeps a lease or the value is one too', async () => {
    const by = await moved(() => client.put('key', 'value', { prevKv: true }))
    for (const name of both('put_total')) expect(by(name)).toBe(1)
    for (const name of both('txn_total')) expect(by(name)).toBe(0)
  })

  test('ranges and deletes', async () => {
    const by = await moved(async () => {
      await client.range('key')
      await client.delete('key')
    })
    for (const name of both('range_total')) expect(by(name)).toBe(1)
    for (const name of both('delete_total')) expect(by(name)).toBe(1)
  })

  test('transactions of more than one operation, whose operations count too', async () => {
    const one = await moved(() => client.txn().success(op.put('a', '1')).commit())
    for (const name of both('txn_total')) expect(one(name)).toBe(0)
    const inner = client.txn().success(op.put('b', '1'), op.put('c', '1'))
    const two = await moved(() => client.txn().success(op.txn(inner)).commit())
    for (const name of both('txn_total')) expect(two(name)).toBe(1)
    for (const name of both('put_total')) expect(two(name)).toBe(2)
  })

  test('compaction, and what it went through', async () => {
    for (let i = 0; i < 3; i++) await client.put('often', `${i}`)
    const by = await moved(async () => {
      await client.compact(member.kv.revision)
      while (member.kv.collect(64));
    })
    expect((await read()).get('etcd_debugging_mvcc_compact_revision')).toBe(member.kv.revision)
    expect(by('etcd_debugging_mvcc_db_compaction_keys_total')).toBeGreaterThanOrEqual(3)
    expect(by('etcd_mvcc_db_total_size_in_bytes')).toBeLessThan(0)
  })

  test('leases, by how they began and ended', async () => {
    const by = await moved(async () => {
      await client.grant(10, '71')
      await client.grant(10, '72')
      await client.keepAliveOnce('71')
      await client.revoke('71')
      member.at(3_600_000)
    })
    expect(by('etcd_debugging_lease_granted_total')).toBe(2)
    expect(by('etcd_debugging_lease_renewed_total')).toBe(1)
    expect(by('etcd_debugging_lease_revoked_total')).toBe(1)
    expect(by('etcd_debugging_server_lease_expired_total')).toBe(1)
  })

  test('a snapshot that replaces the store leaves the counts as they are', async () => {
    const snapshot = [...member.kv.snapshot()]
    const by = await moved(() => member.kv.restore(snapshot))
    for (const name of both('put_total')) expect(by(name)).toBe(0)
  })
})

describe('what takes its time', () => {
  test('hashes, by which of the two', async () => {
    const by = await moved(async () => {
      await channel.unary(etcdMaintenance.hash, {})
      await channel.unary(etcdMaintenance.hashKv, { revision: 0 })
      await channel.unary(etcdMaintenance.hashKv, { revision: 0 })
    })
    expect(by('etcd_mvcc_hash_duration_seconds_count')).toBe(1)
    expect(by('etcd_mvcc_hash_rev_duration_seconds_count')).toBe(2)
  })

  test('leases by the time that was granted', async () => {
    const by = await moved(() => client.grant(100, '73'))
    expect(by('etcd_debugging_lease_ttl_total_count')).toBe(1)
    expect(by('etcd_debugging_lease_ttl_total_sum')).toBe(100)
    expect(by('etcd_debugging_lease_ttl_total_bucket{le="64"}')).toBe(0)
    expect(by('etcd_debugging_lease_ttl_total_bucket{le="128"}')).toBe(1)
  })

  test('compaction, slice by slice and whole', async () => {
    const host = { now: () => (now += 3), soon: (task: () => void) => tasks.push(task) }
    const tasks: (() => void)[] = []
    let now = 0
    let left = 3
    const garbage = new GarbageCollector(() => --left > 0, host, metrics.times)
    const by = await moved(() => {
      garbage.start()
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
    })
    expect(by('etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds_count')).toBe(3)
    expect(by('etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds_sum')).toBe(9)
    expect(by('etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count')).toBe(1)
    expect(by('etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_sum')).toBe(15)
  })

  test('snapshots, probes, and heartbeats that came late where it leads', async () => {
    const by = await moved(() => {
      metrics.times.snapshotSaved(0.5)
      metrics.times.probed(true)
      metrics.times.probed(false)
      metrics.times.probed(false)
      for (const [at, leads] of [
        [0, true],
        [200, true],
        [401, true],
        [700, false],
      ] as const)
        metrics.times.ticked(at, 200, () => leads)
    })
    expect(by('etcd_debugging_snap_save_total_duration_seconds_sum')).toBe(0.5)
    expect(by('etcd_server_health_success')).toBe(1)
    expect(by('etcd_server_health_failures')).toBe(2)
    expect(by('etcd_server_heartbeat_send_failures_total')).toBe(1)
  })
})

describe('watches', () => {
  test('streams, watches, events', async () => {
    const watch = client.watch('w', { prefix: true })
    const events = watch[Symbol.asyncIterator]()
    await watch.created
    const by = await moved(async () => {
      await client.put('w1', '')
      await events.next()
    })
    expect(by('etcd_debugging_mvcc_events_total')).toBe(1)
    const now = await read()
    expect(now.get('etcd_debugging_mvcc_watcher_total')).toBe(1)
    expect(now.get('etcd_debugging_mvcc_watch_stream_total')).toBe(1)
    expect(now.get('etcd_debugging_mvcc_slow_watcher_total')).toBe(0)
    const closed = await moved(async () => {
      await watch.close()
      while (member.hub.numbers.watchers > 0) await new Promise(setImmediate)
    })
    expect(closed('etcd_debugging_mvcc_watcher_total')).toBe(-1)
  })

  test('those that are behind, and revisions nobody was told', async () => {
    const sink = { writable: false, events: () => {}, compacted: () => {} }
    const range = { key: 'k', end: '' }
    const flags = { noPut: false, noDelete: false, prevKv: false, fragment: false }
    const watcher = { id: 1, range, ...flags, progressNotify: false, sink, next: 1 }
    const by = await moved(() => member.hub.add(watcher))
    expect(by('etcd_debugging_mvcc_slow_watcher_total')).toBe(1)
    member.hub.remove(watcher)
    const pending = await moved(() => {
      member.apply(put('untold'))
      // The hub's turn comes later.
      expect(member.hub.numbers.pending).toBe(1)
    })
    expect(pending('etcd_debugging_mvcc_put_total')).toBe(1)
  })
})

describe('clients', () => {
  const put = 'grpc_method="Put",grpc_type="unary"'
  const service = 'grpc_service="etcdserverpb.KV"'

  test('calls, their messages, and bytes', async () => {
    const by = await moved(() => client.put('key', 'x'.repeat(1_000)))
    expect(by(`grpc_server_started_total{${service},${put}}`)).toBe(1)
    expect(by(`grpc_server_msg_received_total{${service},${put}}`)).toBe(1)
    expect(by(`grpc_server_msg_sent_total{${service},${put}}`)).toBe(1)
    expect(by(`grpc_server_handled_total{${service},${put},grpc_code="OK"}`)).toBe(1)
    const received = by('etcd_network_client_grpc_received_bytes_total')
    expect(received).toBeGreaterThan(1_000)
    expect(received).toBeLessThan(1_100)
    expect(by('etcd_network_client_grpc_sent_bytes_total')).toBeGreaterThan(10)
  })

  test('calls by the version that clients say they have, few of which are told apart', async () => {
    const calls = (version: string) =>
      `etcd_server_client_requests_total{type="unary",client_api_version="${version}"}`
    const by = await moved(async () => {
      await client.put('key', 'x')
      for (let i = 0; i < 100; i++) tally.started('/etcdserverpb.KV/Put', `3.${i}`)
    })
    expect(by(calls('unknown'))).toBe(1)
    expect(by(calls('3.1'))).toBe(1)
    expect(by(calls('other'))).toBeGreaterThan(30)
    expect((await read()).has(calls('3.99'))).toBe(false)
  })

  test('messages of streams', async () => {
    const by = await moved(() => client.keepAliveOnce('99'))
    const labels =
      'grpc_service="etcdserverpb.Lease",grpc_method="LeaseKeepAlive",grpc_type="bidi_stream"'
    expect(by(`grpc_server_msg_received_total{${labels}}`)).toBe(1)
    expect(by(`grpc_server_msg_sent_total{${labels}}`)).toBe(1)
  })

  test('what was not executed, and reads that nobody confirmed or that took long', async () => {
    member.orders = false
    const refused = await moved(async () => {
      await client.put('key', 'x', { timeoutMs: 500 }).catch(() => {})
      await client.range('key', { timeoutMs: 500 }).catch(() => {})
    })
    member.orders = true
    expect(refused('etcd_server_proposals_failed_total')).toBeGreaterThanOrEqual(1)
    expect(refused('etcd_server_read_indexes_failed_total')).toBeGreaterThanOrEqual(1)
    member.readMs = 501
    const slow = await moved(() => client.range('key'))
    member.readMs = 0
    expect(slow('etcd_server_slow_read_indexes_total')).toBe(1)
    expect(slow('etcd_server_read_indexes_failed_total')).toBe(0)
  })
})

describe('server, disk and peers', () => {
  test('say what the node knows', async () => {
    const by = await moved(() => {
      Object.assign(numbers, { leader: 'n1', isLeader: true, leaderChanges: 2, term: 3 })
      Object.assign(numbers, { committed: 9, applied: 8, pending: 4, unsyncedBatches: 5 })
      counters.set('wal_bytes', 77)
    })
    expect(by('etcd_server_has_leader')).toBe(1)
    expect(by('etcd_server_is_leader')).toBe(1)
    expect(by('etcd_server_leader_changes_seen_total')).toBe(2)
    expect(by('etcd_server_proposals_committed_total')).toBe(9)
    expect(by('etcd_server_proposals_applied_total')).toBe(8)
    expect(by('etcd_server_proposals_pending')).toBe(4)
    expect(by('etcd_disk_wal_write_bytes_total')).toBe(77)
    expect((await read()).get('etcd_server_quota_backend_bytes')).toBe(7)
    expect((await read()).get('etcd_server_id{server_id="ff"}')).toBe(1)
  })

  test('entries that took more than 0.1 s are slow', async () => {
    const by = await moved(() => {
      metrics.applied(0.1)
      metrics.applied(0.11)
    })
    expect(by('etcd_server_slow_apply_total')).toBe(1)
  })

  test('what goes to and comes from each peer', async () => {
    const by = await moved(() => {
      const traffic = { bytesSent: 1, bytesReceived: 2, sendsFailed: 3, disconnects: 4 }
      peer = { ...peer, connected: true, ...traffic }
      metrics.roundTrip('10', 0.003)
    })
    expect(by('etcd_network_peer_sent_bytes_total{To="a"}')).toBe(1)
    expect(by('etcd_network_peer_received_bytes_total{From="a"}')).toBe(2)
    expect(by('etcd_network_peer_sent_failures_total{To="a"}')).toBe(3)
    expect(by('etcd_network_disconnected_peers_total{Local="ff",Remote="a"}')).toBe(4)
    expect(by('etcd_network_active_peers{Local="ff",Remote="a"}')).toBe(1)
    expect(by('etcd_network_peer_round_trip_time_seconds_count{To="a"}')).toBe(1)
    const bucket = 'etcd_network_peer_round_trip_time_seconds_bucket'
    expect(by(`${bucket}{le="0.0032",To="a"}`)).toBe(1)
  })
})

function put(key: string): Uint8Array {
  const request = putRequest(key, '')
  return encodeCommand(CommandTag.PUT, PutRequest.encode(request).finish())
}
