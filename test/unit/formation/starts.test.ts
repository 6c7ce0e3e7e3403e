import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { judgeStart, type Start, StartsMet } from '../../../src/driver/starts.js'
import { decodeAnnouncement, encodeAnnouncement } from '../../../src/node/announcement.js'
import { StartsFile } from '../../../src/node/starts-file.js'

const start = (number: number, incarnation: number, uid = 'u1'): Start => ({
  id: 'n1',
  uid,
  number,
  incarnation,
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
      met: [{ ...start(9, 3), id: 'n2' }],
    }
    expect(decodeAnnouncement(encodeAnnouncement(announcement))).toEqual(announcement)
    const silent = { ...announcement, start: null }
    expect(decodeAnnouncement(encodeAnnouncement(silent))).toEqual(silent)
  })
})

describe('the file of starts met', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-starts-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('remembers over restarts what was met', () => {
    expect(StartsFile.open(folder).meet(start(5, 7))).toBe('newer')
    expect(StartsFile.open(folder).meet(start(4, 9))).toBe('older')
  })

  it('is not written where nothing is new', () => {
    const file = StartsFile.open(folder)
    file.meet(start(5, 7))
    rmSync(join(folder, 'peers.json'))
    expect(file.meet(start(5, 7))).toBe('known')
    expect(StartsFile.open(folder).all).toEqual([])
  })

  it.each(['', '{"format":1}', '{"format":1,"met":[{"id":"n1"}]}'])('refuses %j', (text) => {
    writeFileSync(join(folder, 'peers.json'), text)
    expect(() => StartsFile.open(folder)).toThrow(/peers.json is damaged/)
    expect(readFileSync(join(folder, 'peers.json'), 'utf8')).toBe(text)
  })
})
