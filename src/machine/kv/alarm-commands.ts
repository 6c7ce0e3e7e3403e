/** Alarm: raises, clears and lists, as etcd does. */
import { type AlarmRequest, AlarmResponse, AlarmType } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { ALARMS_MAX, type Alarm } from './alarms.js'
import { KV_ERRORS } from './errors.js'
import { encodeError, encodeMessage } from './replies.js'
import type { Store } from './store.js'

const ACTIVATE = 1
const DEACTIVATE = 2

export function runAlarm(store: Store, request: AlarmRequest): Uint8Array {
  const { alarms } = store
  const one: Alarm = { memberID: request.memberID, alarm: request.alarm }
  // Enums of proto3 are open: any number arrives.
  const action: number = request.action
  switch (action) {
    case ACTIVATE:
      // It is all of them when it is asked for, and none when it is raised.
      if (one.alarm === AlarmType.NONE) return reply(store, [])
      if (alarms.size >= ALARMS_MAX && !alarms.has(one)) return encodeError(KV_ERRORS.tooManyAlarms)
      alarms.add(one)
      return reply(store, [one])
    case DEACTIVATE: {
      const was = alarms.has(one)
      alarms.remove(one)
      return reply(store, was ? [one] : [])
    }
    default:
      return reply(store, alarms.list(request.alarm))
  }
}

/** It only lists. */
export function isAlarmQuery(request: AlarmRequest): boolean {
  const action: number = request.action
  return action !== ACTIVATE && action !== DEACTIVATE
}

function reply(store: Store, alarms: readonly Alarm[]): Uint8Array {
  const header = {
    clusterId: '0',
    memberId: '0',
    revision: store.visibleRevision,
    raftTerm: 0,
  }
  return encodeMessage(AlarmResponse, {
    header,
    alarms: alarms.map(({ memberID, alarm }) => ({ memberID, alarm })),
  })
}
