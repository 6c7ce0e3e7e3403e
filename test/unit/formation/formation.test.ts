import { describe, expect, it } from 'vitest'
import {
  decodeFormationState,
  encodeFormationState,
  type Formation,
  type FormationDecision,
  formationState,
  newFormation,
  onGone,
  onHello,
} from '../../../src/driver/formation.js'

const IDS = ['n1', 'n2', 'n3']

function start(id: string, uid = `${id}-uid`): Formation {
  return newFormation({ id, uid }, IDS, 1)
}

/** `to` hears what `from` would say now. */
function hello(from: Formation, to: Formation): FormationDecision {
  return onHello(to, from.self, formationState(from))
}

function formed(members: { id: string; uid: string }[]) {
  return { formed: true, members }
}

describe('formation', () => {
  it('forms when every member has confirmed the same uids, and not before', () => {
    const [a, b, c] = IDS.map((id) => start(id)) as [Formation, Formation, Formation]
    expect(hello(b, a)).toEqual({ type: 'Wait', missing: ['n3'] })
    expect(hello(c, a)).toEqual({ type: 'Wait', missing: ['n2', 'n3'] })
    hello(a, b)
    hello(c, b)
    hello(a, c)
    hello(b, c)
    expect(hello(b, a)).toEqual({ type: 'Wait', missing: ['n3'] })
    expect(hello(c, a)).toEqual({
      type: 'Form',
      members: IDS.map((id) => ({ id, uid: `${id}-uid` })),
    })
  })

  it('forms alone at once when it is the only member', () => {
    const one = newFormation({ id: 'n1', uid: 'u' }, ['n1'], 1)
    expect(formationState(one).members).toEqual([{ id: 'n1', uid: 'u' }])
  })

  it('adopts what a formed member was formed with, if its own uid is in it', () => {
    const a = start('n1')
    const members = IDS.map((id) => ({ id, uid: `${id}-uid` }))
    expect(onHello(a, { id: 'n2', uid: 'n2-uid' }, formed(members))).toEqual({
      type: 'Form',
      members,
    })
  })

  it('refuses to be a member whose data directory was wiped', () => {
    const wiped = start('n1', 'new-uid')
    const members = IDS.map((id) => ({ id, uid: `${id}-uid` }))
    expect(onHello(wiped, { id: 'n2', uid: 'n2-uid' }, formed(members))).toEqual({
      type: 'Refuse',
      by: ['n2'],
      formedWith: 'n1-uid',
    })
  })

  it('does not form with a wiped member on the word of a peer that has formed since', () => {
    const [a, b1, c] = IDS.map((id) => start(id)) as [Formation, Formation, Formation]
    hello(a, c) // before A knows anybody
    hello(b1, a)
    hello(a, b1)
    hello(c, a)
    hello(c, b1)
    hello(a, b1)
    // A and B form {a, b1, c}. B is wiped and meets C, whose news of A are old.
    const b2 = start('n2', 'wiped')
    hello(c, b2)
    expect(hello(b2, c).type).toBe('Wait')
    expect(hello(b2, c).type).toBe('Wait')
    expect(hello(c, b2).type).toBe('Wait')
  })

  it('forgets what a member said when its stream ends', () => {
    const a = start('n1')
    hello(start('n2'), a)
    onGone(a, 'n2')
    expect(hello(start('n3'), a)).toEqual({ type: 'Wait', missing: ['n2'] })
  })

  it.each([
    ['one too few', ['n1', 'n2']],
    ['one too many', ['n1', 'n2', 'n3', 'n4']],
    ['another', ['n1', 'n2', 'n4']],
    ['one twice', ['n1', 'n2', 'n2']],
    ['none', []],
  ])('neither forms with nor is refused by a list of members that has %s', (_, ids) => {
    for (const uid of ['n1-uid', 'another']) {
      const list = formed(ids.map((id) => ({ id, uid: `${id}-uid` })))
      const decision = onHello(start('n1', uid), { id: 'n2', uid: 'n2-uid' }, list)
      expect(decision).toEqual({ type: 'Wait', missing: ['n3'] })
    }
  })

  it('takes no list from a directory that is not in it', () => {
    const list = formed(IDS.map((id) => ({ id, uid: `${id}-uid` })))
    expect(onHello(start('n1'), { id: 'n2', uid: 'fresh' }, list).type).toBe('Wait')
  })

  it('travels as bytes, and garbage is not a state', () => {
    const state = formed([{ id: 'n1', uid: 'ü' }])
    expect(decodeFormationState(encodeFormationState(state))).toEqual(state)
    expect(decodeFormationState(new Uint8Array([1, 200, 1]))).toBeNull()
    expect(decodeFormationState(new Uint8Array(0))).toBeNull()
  })
})

describe('formation where one of four may lie', () => {
  const FOUR = ['n1', 'n2', 'n3', 'n4']
  const begin = (id: string, uid = `${id}-uid`) => newFormation({ id, uid }, FOUR, 2)
  const list = FOUR.map((id) => ({ id, uid: `${id}-uid` }))
  const forged = list.map((one) => (one.id === 'n4' ? one : { ...one, uid: 'forged' }))
  const withN1 = forged.map((one) => (one.id === 'n1' ? { id: 'n1', uid: 'n1-uid' } : one))
  const says = (f: Formation, id: string, members = list) =>
    onHello(f, { id, uid: `${id}-uid` }, formed(members))

  it('one that claims to have formed with a false list makes nobody form or stop, however often it says so', () => {
    for (const lie of [forged, withN1]) {
      const fresh = begin('n1')
      expect(says(fresh, 'n4', lie).type).toBe('Wait')
      onGone(fresh, 'n4')
      expect(says(fresh, 'n4', lie).type).toBe('Wait')
    }
  })

  it('the honest ones are heard beside it', () => {
    const late = begin('n1')
    says(late, 'n4', forged)
    expect(says(late, 'n2').type).toBe('Wait')
    expect(says(late, 'n3')).toEqual({ type: 'Form', members: list })
    const wiped = begin('n1', 'fresh')
    says(wiped, 'n4', withN1)
    says(wiped, 'n3')
    expect(says(wiped, 'n2')).toEqual({ type: 'Refuse', by: ['n2', 'n3'], formedWith: 'n1-uid' })
  })

  it('lists that differ in one uid do not add up', () => {
    const late = begin('n1')
    says(late, 'n4', withN1)
    expect(says(late, 'n2').type).toBe('Wait')
  })

  it('what was formed is true for good: a claim outlives its stream', () => {
    const late = begin('n1')
    says(late, 'n2')
    onGone(late, 'n2')
    expect(says(late, 'n3')).toEqual({ type: 'Form', members: list })
  })

  it('a first formation goes on beside one that claims to have formed', () => {
    const [a, b, c] = ['n1', 'n2', 'n3'].map((id) => begin(id)) as [Formation, Formation, Formation]
    for (const f of [a, b, c]) says(f, 'n4')
    hello(b, a)
    hello(c, a)
    hello(a, b)
    hello(c, b)
    hello(a, c)
    hello(b, c)
    hello(b, a)
    expect(hello(c, a)).toEqual({ type: 'Form', members: list })
  })

  it('one that is silent, or lies about what it knows, holds up the first formation and no more', () => {
    const [a, b, c] = ['n1', 'n2', 'n3'].map((id) => begin(id)) as [Formation, Formation, Formation]
    hello(b, a)
    hello(c, a)
    onHello(a, { id: 'n4', uid: 'n4-uid' }, { formed: false, members: forged })
    hello(a, b)
    hello(c, b)
    hello(b, a)
    expect(hello(c, a)).toMatchObject({ type: 'Wait', missing: expect.arrayContaining(['n4']) })
  })
})
