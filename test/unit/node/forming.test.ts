import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY } from '../../../src/base/bytes.js'
import type { Member } from '../../../src/consensus/contract.js'
import {
  type HandshakeSeals,
  handshakeSeals,
  NO_SEALS,
} from '../../../src/crypto/handshake-seals.js'
import { Keyring } from '../../../src/crypto/keyring.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type { FormationState } from '../../../src/driver/formation.js'
import { type SealedStart, type Start, startBytes } from '../../../src/driver/starts.js'
import {
  decodeAnnouncement,
  encodeAnnouncement,
  type OwnWord,
  ownWordBytes,
} from '../../../src/node/announcement.js'
import type { NodeError } from '../../../src/node/errors.js'
import { Forming } from '../../../src/node/forming.js'
import { StartsFile } from '../../../src/node/starts-file.js'

const IDS = ['n1', 'n2', 'n3', 'n4']
const FORMED: FormationState = { formed: true, members: [] }
const HUGE = 2 ** 53 - 1

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-forming-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** As each member has them; its key is its own. */
function sealsOf(name: string, clusterId = 'c1'): HandshakeSeals {
  const signerOf = (id: string) => nodeSuite.signer(new Uint8Array(32).fill(1 + IDS.indexOf(id)))
  const replicas = IDS.map((id) => ({ name: id, publicKey: signerOf(id).publicKey }))
  const options = { suite: nodeSuite, clusterId, replicas, clients: [] }
  const keyring = new Keyring({ ...options, allowAnonymousClients: false })
  return handshakeSeals(name, { suite: nodeSuite, signer: signerOf(name), clusterId }, keyring)
}

function startOf(id: string, number: number, uid = `u-${id}`): Start {
  return { id, uid, number, incarnation: 1 }
}

function sealed(start: Start, seals: HandshakeSeals): SealedStart {
  return { ...start, seal: seals.seal('start', startBytes(start)) }
}

function announced(word: OwnWord, met: readonly SealedStart[], seals: HandshakeSeals): Uint8Array {
  const seal = seals.seal('announcement', ownWordBytes(word))
  return encodeAnnouncement({ ...word, met, seal })
}

/** n1, at its first start. */
class N1 {
  readonly refused: NodeError[] = []
  readonly met: StartsFile
  readonly forming: Forming
  said = EMPTY
  readonly formedWith: (readonly Member[])[] = []
  readonly saidFirst: Uint8Array

  constructor(seals: HandshakeSeals, uid = 'u-n1') {
    this.forming = new Forming(
      { seals, weakQuorum: 2 },
      {
        announce: (bytes) => {
          this.said = bytes
        },
        waits: () => {},
        form: (members) => this.formedWith.push(members),
        refused: (error) => this.refused.push(error),
      },
    )
    this.met = StartsFile.open(folder, (start) => this.forming.believes(start))
    this.forming.starts(startOf('n1', 1, uid), this.met)
    this.forming.listensAt('127.0.0.1:1')
    this.saidFirst = this.said
  }

  /** What it objects to; heard only if to nothing. */
  hears(nodeId: string, bootstrap: Uint8Array, uid = `u-${nodeId}`): string | null {
    const hello = { nodeId, uid, bootstrap }
    const objection = this.forming.objection(hello)
    if (objection === null) this.forming.heard(hello)
    return objection?.code ?? null
  }
}

describe('where members trust each other', () => {
  it('a start is believed of the directory that says it, and of no other', () => {
    const n1 = new N1(NO_SEALS)
    const say = (start: Start) => {
      const word = { formation: FORMED, clientEndpoint: '', start: sealed(start, NO_SEALS) }
      expect(n1.hears('n2', announced(word, [], NO_SEALS))).toBeNull()
    }
    say(startOf('n3', HUGE))
    say(startOf('n2', HUGE, 'another'))
    say(startOf('x'.repeat(60_000), HUGE))
    expect(n1.met.all).toEqual([])
    say(startOf('n2', 7))
    expect(StartsFile.open(folder, () => true).all).toEqual([{ ...startOf('n2', 7), seal: EMPTY }])
    expect(n1.refused).toEqual([])
  })

  it('who tells no start is welcome', () => {
    expect(new N1(NO_SEALS).hears('n2', EMPTY)).toBeNull()
  })
})

describe('where members sign', () => {
  const n2 = sealsOf('n2')
  const wordOf = (start: SealedStart | null): OwnWord => ({
    formation: FORMED,
    clientEndpoint: 'h:1',
    start,
  })
  const honest = wordOf(sealed(startOf('n2', 3), n2))

  it('an old copy stops on the start that its own key has signed, whoever hands it on', () => {
    const n1 = new N1(sealsOf('n1'))
    const later = sealed({ ...startOf('n1', 2), incarnation: 5 }, sealsOf('n1'))
    expect(n1.hears('n2', announced(honest, [later], n2))).toBeNull()
    expect(n1.refused.map((error) => error.message)).toEqual([
      expect.stringContaining('n2 has met start 2 of it'),
    ])
  })

  it.each([
    ['nobody', NO_SEALS],
    ['the peer that tells of it', n2],
    ['its member in another cluster', sealsOf('n1', 'c2')],
  ])('a later start that was signed by %s stops nobody', (_, seals) => {
    const n1 = new N1(sealsOf('n1'))
    const later = sealed(startOf('n1', HUGE), seals)
    expect(n1.hears('n2', announced(honest, [later], n2))).toBeNull()
    expect(n1.refused).toEqual([])
    // Nor in a stranger's Hello, as it was found.
    expect(n1.hears('n2', announced(honest, [later], NO_SEALS))).toBe('signature')
    n1.forming.heard({ nodeId: 'n2', uid: 'u-n2', bootstrap: announced(honest, [later], NO_SEALS) })
    expect(n1.refused).toEqual([])
  })

  it.each([
    ['without a signature', announced(wordOf(sealed(startOf('n2', HUGE), NO_SEALS)), [], n2)],
    ['under another key', announced(wordOf(sealed(startOf('n2', HUGE), sealsOf('n4'))), [], n2)],
    ['of another member', announced(wordOf(sealed(startOf('n4', 1), sealsOf('n4'))), [], n2)],
    ['of another directory', announced(wordOf(sealed(startOf('n2', 1, 'old'), n2)), [], n2)],
    [
      'in another cluster',
      announced(wordOf(sealed(startOf('n2', 1), sealsOf('n2', 'c2'))), [], n2),
    ],
    ['that is not told', announced(wordOf(null), [], n2)],
    ['in no announcement', EMPTY],
  ])('a start %s is refused, not remembered and not handed on', (_, bootstrap) => {
    const n1 = new N1(sealsOf('n1'))
    expect(n1.hears('n2', bootstrap)).toBe('signature')
    n1.forming.heard({ nodeId: 'n2', uid: 'u-n2', bootstrap })
    expect(n1.met.all).toEqual([])
    expect(decodeAnnouncement(n1.said)?.met).toEqual([])
    expect(n1.forming.clientEndpointOf('n2')).toBe('')
  })

  it('a good start does not vouch for what another says beside it', () => {
    const n1 = new N1(sealsOf('n1'))
    const changed = { ...honest, clientEndpoint: 'liar:1' }
    const seal = n2.seal('announcement', ownWordBytes(honest))
    expect(n1.hears('n2', encodeAnnouncement({ ...changed, met: [], seal }))).toBe('signature')
    // A start is signed as nothing else: it cannot be taken for an announcement, nor the reverse.
    const asStart = { ...honest.start!, seal: n2.seal('announcement', startBytes(honest.start!)) }
    expect(n1.hears('n2', announced(wordOf(asStart), [], n2))).toBe('signature')
    expect(n1.hears('n2', announced(honest, [], n2))).toBeNull()
    expect(n1.forming.clientEndpointOf('n2')).toBe('h:1')
  })

  it('what was met is handed on with its signature, over restarts too', () => {
    new N1(sealsOf('n1')).hears('n2', announced(honest, [], n2))
    const again = new N1(sealsOf('n1'))
    expect(decodeAnnouncement(again.said)?.met).toEqual([honest.start])
    const older = wordOf(sealed(startOf('n2', 2), n2))
    expect(again.hears('n2', announced(older, [], n2))).toBe('start')
  })

  it('what an earlier version or a liar left in peers.json is neither judged by nor handed on', () => {
    const file = join(folder, 'peers.json')
    const unsealed = { format: 1, met: [startOf('n2', HUGE), startOf('n3', 1)] }
    writeFileSync(file, JSON.stringify(unsealed))
    const n1 = new N1(sealsOf('n1'))
    expect(decodeAnnouncement(n1.said)?.met).toEqual([])
    expect(n1.hears('n2', announced(honest, [], n2))).toBeNull()
    expect(JSON.parse(readFileSync(file, 'utf8')).met).toHaveLength(1)
    expect(new N1(sealsOf('n1')).met.all).toEqual([honest.start])
  })

  const list = IDS.map((id) => ({ id, uid: `u-${id}` }))
  const says = (id: string, members: readonly Member[], seals: HandshakeSeals) => {
    const start = sealed(startOf(id, 1), sealsOf(id))
    return announced({ formation: { formed: true, members }, clientEndpoint: '', start }, [], seals)
  }

  it('one liar is one word, also with the starts that others have signed', () => {
    const n1 = new N1(sealsOf('n1'))
    n1.forming.begin({ id: 'n1', uid: 'u-n1' }, IDS)
    const forged = list.map((one) => (one.id === 'n1' ? { id: 'n1', uid: 'forged' } : one))
    const n4 = sealsOf('n4')
    expect(n1.hears('n4', says('n4', forged, n4))).toBeNull()
    expect(n1.hears('n2', says('n2', forged, n4))).toBe('signature')
    expect(n1.refused).toEqual([])
    expect(n1.hears('n2', says('n2', list, n2))).toBeNull()
    expect(n1.formedWith).toEqual([])
    expect(n1.hears('n3', says('n3', list, sealsOf('n3')))).toBeNull()
    expect(n1.formedWith).toEqual([list])
    expect(n1.refused).toEqual([])
  })

  it('a wiped directory is refused by the word of two', () => {
    const n1 = new N1(sealsOf('n1'), 'fresh')
    n1.forming.begin({ id: 'n1', uid: 'fresh' }, IDS)
    n1.hears('n2', says('n2', list, n2))
    expect(n1.refused).toEqual([])
    n1.hears('n3', says('n3', list, sealsOf('n3')))
    expect(n1.refused.map((error) => error.message)).toEqual([
      expect.stringMatching(/wiped: .* \(uid u-n1\), by the word of n2 and n3\./),
    ])
  })

  it('its first Hello names its start', () => {
    const n1 = new N1(sealsOf('n1'))
    const { start } = decodeAnnouncement(n1.saidFirst)!
    expect(start).toEqual(sealed(startOf('n1', 1), sealsOf('n1')))
  })
})
