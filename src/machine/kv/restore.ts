/** A store out of the chunks of a snapshot, each of which is believed only as far as it fits the rest. */
import { latin1Decode } from '../../base/latin1.js'
import { Reader } from '../../base/varint.js'
import { demand } from '../state-machine.js'
import { alarmTypeOf } from './alarms.js'
import type { Counts } from './counts.js'
import { GONE, spanOf, Version } from './history.js'
import { isLeaseId } from './lease-id.js'
import { LEASE_TTL_S_MAX, LEASE_TTL_S_MIN } from './leases.js'
import { CHUNK, FLAG_DELETED, FLAG_LEASE, MAGIC } from './snapshot-format.js'
import { Store } from './store.js'

const { HEADER, BASE, EVENTS, LEASES, ALARMS, END } = CHUNK

/** A new store from the chunks of a view, which goes on with these counts. Throws SnapshotError on anything else. */
export function restoreStore(chunks: Iterable<Uint8Array>, counts: Counts): Store {
  const store = new Store(counts)
  let stage = 0
  let hash = ''
  let bases = 0
  let events = 0
  for (const chunk of chunks) {
    const reader = new Reader(chunk)
    const kind = reader.byte()
    demand(stage === 0 ? kind === HEADER : kind >= stage, 'chunks of the store out of order')
    demand(stage < END, 'chunks behind the end of the store')
    stage = kind === HEADER ? BASE : kind
    switch (kind) {
      case HEADER:
        hash = readHeader(reader, store)
        break
      case BASE:
        while (reader.left > 0) bases += readBase(reader, store)
        break
      case EVENTS:
        while (reader.left > 0) events += readEvent(reader, store)
        break
      case LEASES:
        while (reader.left > 0) readLease(reader, store)
        break
      case ALARMS:
        while (reader.left > 0) readAlarm(reader, store)
        break
      case END:
        demand(
          reader.varint() === bases &&
            reader.varint() === events &&
            reader.varint() === store.leases.size,
          'number of keys, events or leases differs from what the snapshot counted',
        )
        break
      default:
        demand(false, `chunk of unknown kind ${kind}`)
    }
    demand(reader.ok && reader.left === 0, 'malformed chunk of the store')
  }
  demand(stage === END, 'the store ends too early')
  const last = store.log.last()
  demand(last === null || last.mod <= store.revision, 'event above the store revision')
  attachAll(store)
  store.rebaseHash()
  demand(store.hash() === hash, 'hash of the restored store differs from the snapshot')
  return store
}

function readHeader(reader: Reader, store: Store): string {
  const magic = reader.take(MAGIC.length)
  demand(latin1Decode(magic) === latin1Decode(MAGIC), 'no snapshot of a key-value store')
  store.revision = reader.varint()
  store.compactRevision = reader.varint() - 1
  const hash = latin1Decode(reader.chunk())
  demand(reader.ok, 'malformed header of the store')
  demand(store.revision >= 1, 'revision 0')
  demand(store.compactRevision <= store.revision, 'compacted above the revision')
  return hash
}

/** The next version; its value is copied, it is not yet in the store. */
function readVersion(reader: Reader, store: Store): Version {
  const flags = reader.byte()
  const key = latin1Decode(reader.chunk())
  const mod = reader.varint()
  const sub = reader.varint()
  demand(reader.ok && key !== '' && flags <= FLAG_LEASE, 'malformed version')
  const history = store.historyOf(key)
  if (flags === FLAG_DELETED) return new Version(history, { mod, sub }, GONE, null)
  const create = reader.varint()
  const version = reader.varint()
  const lease = flags === FLAG_LEASE ? latin1Decode(reader.chunk()) : '0'
  const value = reader.chunk()
  demand(reader.ok, 'malformed version')
  demand(create >= 2 && create <= mod && version >= 1, 'impossible version')
  demand(isLeaseId(lease), 'malformed lease id')
  const kept = store.copyValue(spanOf(value))
  return new Version(history, { mod, sub }, { create, version, lease }, kept)
}

function readLease(reader: Reader, store: Store): void {
  const id = latin1Decode(reader.chunk())
  const ttl = reader.varint()
  const deadline = reader.varint()
  demand(reader.ok && isLeaseId(id) && id !== '0', 'malformed lease')
  demand(ttl >= LEASE_TTL_S_MIN && ttl <= LEASE_TTL_S_MAX, 'impossible TTL of a lease')
  demand(store.leases.get(id) === null, 'a lease twice')
  store.leases.add({ id, ttl, deadline })
}

function readAlarm(reader: Reader, store: Store): void {
  const memberID = latin1Decode(reader.chunk())
  const alarm = alarmTypeOf(reader.varint())
  demand(reader.ok && /^[0-9]{1,20}$/.test(memberID) && alarm !== null, 'malformed alarm')
  demand(!store.alarms.has({ memberID, alarm }), 'an alarm twice')
  store.alarms.add({ memberID, alarm })
}

/** What is attached to a lease follows from the keys that name it. */
function attachAll(store: Store): void {
  store.scanHistories('', ({ key }) => {
    const lease = store.get(key)?.lease ?? '0'
    if (lease === '0') return true
    demand(store.leases.get(lease) !== null, 'a key of a lease that is not there')
    store.leases.move(key, '0', lease)
    return true
  })
}

function readBase(reader: Reader, store: Store): number {
  const version = readVersion(reader, store)
  demand(!version.deleted && version.mod < store.compactRevision, 'impossible base version')
  demand(version.history.versions.length === 0, 'a key twice among the base versions')
  store.appendBase(version)
  return 1
}

function readEvent(reader: Reader, store: Store): number {
  const event = readVersion(reader, store)
  const { mod, sub } = event
  const last = store.log.last()
  demand(mod >= Math.max(2, store.compactRevision), 'event below the compact revision')
  if (last !== null)
    demand(mod > last.mod || (mod === last.mod && sub > last.sub), 'events out of order')
  const versions = event.history.versions
  const before = versions[versions.length - 1]
  const live = before !== undefined && !before.deleted
  if (event.deleted) {
    demand(live || mod === store.compactRevision, 'deletes a key that is not there')
  } else if (mod > store.compactRevision) {
    demand(event.version === (live ? before.version + 1 : 1), 'version does not follow')
    demand(event.create === (live ? before.create : mod), 'creation does not follow')
  }
  store.append(event)
  return 1
}
