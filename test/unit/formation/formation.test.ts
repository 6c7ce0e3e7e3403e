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
  return newFormation({ id, uid }, IDS)
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
    const one = newFormation({ id: 'n1', uid: 'u' }, ['n1'])
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
      by: 'n2',
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

  it('travels as bytes, and garbage is not a state', () => {
    const state = formed([{ id: 'n1', uid: 'ü' }])
    expect(decodeFormationState(encodeFormationState(state))).toEqual(state)
    expect(decodeFormationState(new Uint8Array([1, 200, 1]))).toBeNull()
    expect(decodeFormationState(new Uint8Array(0))).toBeNull()
  })
})
