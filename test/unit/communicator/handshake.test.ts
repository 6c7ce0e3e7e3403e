import { expect, it } from 'vitest'
import { judgeReply, makeHello, makeReply, refusalOf } from '../../../src/communicator/handshake.js'
import type { Identity } from '../../../src/communicator/types.js'
import { RefusalCode } from '../../../src/gen/quorate/peer/v1/peer.js'

const EMPTY = new Uint8Array(0)
const BOOTSTRAP = Buffer.from('who formed')

function identity(nodeId: string, changed: Partial<Identity> = {}): Identity {
  const uid = `u-${nodeId}`
  return { clusterId: 'c1', nodeId, uid, incarnation: 1, protocol: 'pbft', groupId: 0, ...changed }
}

/** n1 knows n2, and its directory. */
const members = {
  has: (id: string) => id === 'n2',
  uidOf: (id: string) => (id === 'n2' ? 'u-n2' : undefined),
}
const callersMembers = { has: () => true, uidOf: () => undefined }

it.each<[string, Partial<Identity>, string, RefusalCode]>([
  ['another cluster', { clusterId: 'c2' }, 'n1', RefusalCode.CLUSTER],
  ['another target', {}, 'n3', RefusalCode.TARGET],
  ['a stranger', { nodeId: 'n9' }, 'n1', RefusalCode.MEMBER],
  ['another protocol', { protocol: 'raft' }, 'n1', RefusalCode.PROTOCOL],
  ['another group', { groupId: 7 }, 'n1', RefusalCode.GROUP],
  ['a malformed Hello', { uid: '' }, 'n1', RefusalCode.MALFORMED],
])('%s is refused without a word of the directory, and knows why', (_, changed, target, code) => {
  const hello = makeHello(identity('n2', changed), target, EMPTY)
  const refusal = refusalOf(identity('n1'), members, hello)
  const reply = makeReply(identity('n1'), hello, BOOTSTRAP, refusal)
  expect(reply).toMatchObject({ uid: '', bootstrap: EMPTY, refusal: { code } })
  expect(judgeReply(callersMembers, hello, reply)).toEqual({ type: 'refused', refusal })
})

it('what is told unsigned is refused without a word of the directory', () => {
  const hello = makeHello(identity('n2'), 'n1', EMPTY)
  const refusal = { code: RefusalCode.SIGNATURE, text: 'not signed' }
  const reply = makeReply(identity('n1'), hello, BOOTSTRAP, refusal)
  expect(reply).toMatchObject({ uid: '', bootstrap: EMPTY })
  expect(judgeReply(callersMembers, hello, reply)).toEqual({ type: 'refused', refusal })
})

it('another directory, and an old copy, are told whose list it is that they are not in', () => {
  const hello = makeHello(identity('n2', { uid: 'wiped' }), 'n1', EMPTY)
  const refusal = refusalOf(identity('n1'), members, hello)
  expect(refusal?.code).toBe(RefusalCode.UID)
  for (const one of [refusal, { code: RefusalCode.START, text: 'old' }]) {
    const reply = makeReply(identity('n1'), hello, BOOTSTRAP, one)
    expect(reply).toMatchObject({ uid: 'u-n1', bootstrap: BOOTSTRAP })
  }
})

it('who is welcome is told the uid, and a welcome without one is none', () => {
  const hello = makeHello(identity('n2'), 'n1', EMPTY)
  const reply = makeReply(identity('n1'), hello, BOOTSTRAP, null)
  expect(judgeReply(callersMembers, hello, reply)).toEqual({ type: 'welcome' })
  expect(judgeReply(callersMembers, hello, { ...reply, uid: '' }).type).toBe('refused')
})
