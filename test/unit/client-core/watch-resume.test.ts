import { describe, expect, it } from 'vitest'
import { type Heard, hear, reopened, watchFrom } from '../../../src/client/core/watch-resume.js'
import { WatchResponse } from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { Event } from '../../../src/gen/etcd/api/mvccpb/kv.js'

const EMPTY = WatchResponse.decode(new Uint8Array(0))

function response(revision: number, more: Partial<WatchResponse> = {}): WatchResponse {
  const header = { clusterId: '1', memberId: '1', revision, raftTerm: 1 }
  return { ...EMPTY, header, ...more }
}

const created = (revision: number) => response(revision, { created: true })

/** At these revisions; one that occurs twice is a transaction of two. */
function events(...revisions: number[]): Event[] {
  return revisions.map((modRevision) => {
    const kv = { key: new Uint8Array(0), value: new Uint8Array(0), lease: '0' }
    const made = Event.decode(new Uint8Array(0))
    return { ...made, kv: { ...kv, modRevision, createRevision: 1, version: 1 } }
  })
}

function told(heard: Heard): string {
  if (heard.type !== 'Events') return heard.type
  return heard.events.map((event) => event.kv?.modRevision).join(' ')
}

/** What each response comes to, and where the watch stands at the end. */
function play(start: number, ...steps: readonly (WatchResponse | 'reopen')[]) {
  let place = watchFrom(start)
  const heard: string[] = []
  for (const step of steps) {
    if (step === 'reopen') place = reopened(place)
    else {
      const next = hear(place, step)
      place = next.place
      heard.push(told(next.heard))
    }
  }
  return { heard, next: place.next }
}

describe('a watch', () => {
  it('from now on starts behind the revision of its first server, not of the one that goes on', () => {
    expect(play(0, created(7), 'reopen', created(12))).toMatchObject({ next: 8 })
    // A server that is behind the first one tells nothing twice.
    expect(play(0, created(7), 'reopen', created(3))).toMatchObject({ next: 8 })
  })

  it('goes on behind the last event that it told', () => {
    const seen = play(3, created(9), response(9, { events: events(4, 4, 6) }), 'reopen', created(9))
    expect(seen).toEqual({ heard: ['Created', '4 4 6', 'Created'], next: 7 })
  })

  it('is not moved by the store being ahead of what it was told', () => {
    // 1. The store is at 9. 2. A batch of the past ends at 5. 3. The stream breaks: 6 to 9 are still to come.
    expect(play(3, created(9), response(9, { events: events(5) })).next).toBe(6)
  })

  it('is moved by a sign of life of its own, not by one that was asked for all of the stream', () => {
    expect(play(3, created(2), response(8)).next).toBe(9)
    expect(play(3, created(2), response(8, { watchId: -1 })).next).toBe(3)
    expect(play(9, created(2), response(4)).next).toBe(9)
  })

  it('leaves out what it told before', () => {
    const repeat = response(6, { events: events(4, 5, 6) })
    expect(play(0, created(4), response(5, { events: events(5) }), repeat).heard).toEqual([
      'Created',
      '5',
      '6',
    ])
    expect(play(7, created(7), response(6, { events: events(6) })).heard).toEqual([
      'Created',
      'Nothing',
    ])
  })

  it('tells a revision whole, and from its start when the stream broke within', () => {
    const part = response(5, { events: events(5, 5), fragment: true })
    const rest = response(5, { events: events(5) })
    expect(play(5, created(4), part, rest)).toEqual({
      heard: ['Created', 'Nothing', '5 5 5'],
      next: 6,
    })
    expect(play(5, created(4), part, 'reopen', created(5), part, rest)).toEqual({
      heard: ['Created', 'Nothing', 'Created', 'Nothing', '5 5 5'],
      next: 6,
    })
  })

  it('tells compaction, refusal and an end without a reason apart', () => {
    const compacted = response(0, { canceled: true, compactRevision: 5 })
    expect(play(2, created(9), compacted).heard).toEqual(['Created', 'Compacted'])
    const refused = response(9, { created: true, canceled: true, cancelReason: 'empty range' })
    expect(play(2, refused).heard).toEqual(['Refused'])
    expect(play(2, created(9), response(9, { canceled: true })).heard).toEqual(['Created', 'Ended'])
  })
})
