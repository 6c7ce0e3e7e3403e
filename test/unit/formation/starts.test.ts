import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY } from '../../../src/base/bytes.js'
import { judgeStart, type SealedStart, StartsMet } from '../../../src/driver/starts.js'
import { decodeAnnouncement, encodeAnnouncement } from '../../../src/node/announcement.js'
import { StartsFile } from '../../../src/node/starts-file.js'

const start = (number: number, incarnation: number, uid = 'u1'): SealedStart => ({
  id: 'n1',
  uid,
  number,
  incarnation,
  seal: EMPTY,
})

describe('starts of a data directory', () => {
  it.each([
    { why: 'nobody of that name was met', met: undefined, now: start(1, 7), verdict: 'newer' },
    { why: 'the same start again', met: start(3, 7), now: start(3, 7), verdict: 'known' },
    { why: 'the next start', met: start(3, 7), now: start(4, 8), verdict: 'newer' },
    { why: 'a copy that counts behind', met: start(5, 7), now: start(4, 8), verdict: 'older' },
    { why: 'a copy that caught up', met: start(5, 7), now: start(5, 8), verdict: 'older' },
    {
      why: 'another directory under the name',
      met: start(5, 7, 'u2'),
      now: start(1, 8),
      verdict: 'newer',
    },
  ])('$why: $verdict', ({ met, now, verdict }) => {
    expect(judgeStart(now, met)).toBe(verdict)
  })

  it('an older start does not replace the newest one met', () => {
    const met = new StartsMet([start(5, 7)])
    expect(met.meet(start(4, 9))).toBe('older')
    expect(met.of('n1')).toEqual(start(5, 7))
    expect(met.meet(start(6, 9))).toBe('newer')
    expect(met.all).toEqual([start(6, 9)])
  })

  it('announcements carry the own start and those met', () => {
    const announcement = {
      formation: { formed: true, members: [{ id: 'n1', uid: 'u1' }] },
      clientEndpoint: 'h:1',
      start: start(2, 2 ** 46),
      met: [{ ...start(9, 3), id: 'n2', seal: new Uint8Array(64).fill(2) }],
      seal: new Uint8Array(64).fill(3),
    }
    expect(decodeAnnouncement(encodeAnnouncement(announcement))).toEqual(announcement)
    const silent = { ...announcement, start: null }
    expect(decodeAnnouncement(encodeAnnouncement(silent))).toEqual(silent)
  })

  it('announcements of a version without seals are read', () => {
    const formation = { formed: false, members: [] }
    const unsealed = { formation, clientEndpoint: 'h:1', start: start(2, 9), met: [], seal: EMPTY }
    const bytes = encodeAnnouncement(unsealed)
    // Two seals of no bytes stand behind what that version wrote.
    expect(decodeAnnouncement(bytes.subarray(0, bytes.length - 2))).toEqual(unsealed)
    expect(decodeAnnouncement(bytes.subarray(0, bytes.length - 1))).toBeNull()
  })

  it('starts that cannot be are not heard, and of each member one', () => {
    const formation = { formed: false, members: [] }
    const heard = (own: SealedStart, met: SealedStart[]) =>
      decodeAnnouncement(
        encodeAnnouncement({ formation, clientEndpoint: '', start: own, met, seal: EMPTY }),
      )
    const large = { ...start(7, 1), id: 'n4', seal: new Uint8Array(65) }
    expect(heard(start(0, 1), [start(0, 1), start(5, 1), start(6, 1), large])).toMatchObject({
      start: null,
      met: [start(5, 1)],
    })
    expect(heard(large, [])).toMatchObject({ start: null, met: [] })
  })
})

describe('the file of starts met', () => {
  let folder = ''
  const open = () => StartsFile.open(folder, () => true)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-starts-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('remembers over restarts what was met', () => {
    const sealed = { ...start(5, 7), seal: new Uint8Array(64).fill(9) }
    expect(open().meet(sealed)).toBe('newer')
    expect(open().meet(start(4, 9))).toBe('older')
    expect(open().all).toEqual([sealed])
  })

  it('reads what an earlier version wrote, without seals, and takes what is believed', () => {
    const { seal: _, ...unsealed } = start(5, 7)
    const met = [unsealed, { ...unsealed, id: 'n2' }, { ...unsealed, id: 'n3', number: 0 }]
    writeFileSync(join(folder, 'peers.json'), JSON.stringify({ format: 1, met }))
    expect(open().all).toEqual([start(5, 7), { ...start(5, 7), id: 'n2' }])
    expect(StartsFile.open(folder, ({ id }) => id === 'n2').all).toHaveLength(1)
  })

  it('refuses a file of a later version', () => {
    writeFileSync(join(folder, 'peers.json'), '{"format":3,"met":[]}')
    expect(open).toThrow(/format 3/)
  })

  it('is not written where nothing is new', () => {
    const file = open()
    file.meet(start(5, 7))
    rmSync(join(folder, 'peers.json'))
    expect(file.meet(start(5, 7))).toBe('known')
    expect(open().all).toEqual([])
  })

  it.each(['', '{"format":1}', '{"format":1,"met":[{"id":"n1"}]}'])('refuses %j', (text) => {
    writeFileSync(join(folder, 'peers.json'), text)
    expect(open).toThrow(/peers.json is damaged/)
    expect(readFileSync(join(folder, 'peers.json'), 'utf8')).toBe(text)
  })
})
