import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Start } from '../../../src/driver/starts.js'
import { encodeAnnouncement } from '../../../src/node/announcement.js'
import { Forming } from '../../../src/node/forming.js'
import { StartsFile } from '../../../src/node/starts-file.js'

const folder = mkdtempSync(join(tmpdir(), 'quorate-forming-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a start is believed of the directory that says it, and of no other', () => {
  const forming = new Forming({
    announce: () => {},
    waits: () => {},
    form: () => {},
    refused: (error) => expect.fail(error.message),
  })
  const met = StartsFile.open(folder)
  forming.starts({ id: 'n1', uid: 'u1', number: 1, incarnation: 1 }, met)
  const say = (nodeId: string, uid: string, start: Start) => {
    const formation = { formed: true, members: [] }
    const bootstrap = encodeAnnouncement({ formation, clientEndpoint: '', start, met: [] })
    const hello = { nodeId, uid, bootstrap }
    expect(forming.objection(hello)).toBeNull()
    forming.heard(hello)
  }
  const ofAnother = { id: 'n3', uid: 'u3', number: 2 ** 53 - 1, incarnation: 1 }
  say('n2', 'u2', ofAnother)
  say('n2', 'u2', { ...ofAnother, id: 'n2' })
  say('n2', 'u2', { ...ofAnother, id: 'x'.repeat(60_000) })
  expect(met.all).toEqual([])
  const own = { id: 'n2', uid: 'u2', number: 7, incarnation: 1 }
  say('n2', 'u2', own)
  expect(StartsFile.open(folder).all).toEqual([own])
})
