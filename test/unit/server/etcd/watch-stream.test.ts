/** What one stream of watches answers to what its client asks. */
import { expect, it } from 'vitest'
import { utf8Encode } from '../../../../src/base/utf8.js'
import type { WatchRequest, WatchResponse } from '../../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { WatchHub } from '../../../../src/machine/watch/hub.js'
import type { ServerStream } from '../../../../src/rpc/types.js'
import { Headers } from '../../../../src/server/etcd/header.js'
import { WatchStream } from '../../../../src/server/etcd/watch/watch-stream.js'

const nothing = () => {}

/** A stream that is open, and what it has answered. Work waits until it is run. */
function opened() {
  const answers: WatchResponse[] = []
  const tasks: (() => void)[] = []
  let ask: (request: WatchRequest) => void = nothing
  const stream: ServerStream<WatchRequest, WatchResponse> = {
    write: (response) => answers.push(response) > 0,
    queuedBytes: 0,
    onMessage: (callback) => {
      ask = callback
    },
    ...{ onDrain: nothing, onEnd: nothing, onClose: nothing },
    ...{ pause: nothing, resume: nothing, end: nothing, fail: nothing },
  }
  const source = { revision: 1, compactRevision: -1, eventsSince: () => 'pending' as const }
  const hub = new WatchHub(source, { soon: (task) => tasks.push(task), now: () => 0 })
  const headers = new Headers({ cluster: '1', member: '2' }, () => 1)
  const parts = { hub, source, headers, progressMs: 2 ** 30, serving: () => true }
  new WatchStream(stream, parts, { left: 10 }).open()
  const create = (watchId: number, startRevision = 0) => {
    const flags = { progressNotify: false, prevKv: false, fragment: false, filters: [] }
    const range = { key: utf8Encode('k'), rangeEnd: new Uint8Array(0), startRevision }
    ask({ requestUnion: { $case: 'createRequest', value: { ...range, ...flags, watchId } } })
    const { watchId: id, canceled, cancelReason } = answers.at(-1)!
    return canceled ? cancelReason : id
  }
  const askProgress = () => ask({ requestUnion: { $case: 'progressRequest', value: {} } })
  return { answers, tasks, source, hub, create, askProgress }
}

it('watch id 0 asks for a free one, again and again; an id of the caller that is taken is refused', () => {
  const { create } = opened()
  expect([0, 0, 7, 7, 0].map((id) => create(id))).toEqual([
    0,
    1,
    7,
    'mvcc: duplicate watch ID provided on the WatchStream',
    2,
  ])
})

it('progress is told once, when nobody of the stream is behind; only who waits for it is called after each slice', () => {
  const { answers, tasks, source, hub, create, askProgress } = opened()
  let waiting = 0
  const { onStep } = hub
  hub.onStep = (callback) => {
    waiting++
    const forget = onStep.call(hub, callback)
    return () => {
      waiting--
      return forget()
    }
  }
  const work = () => {
    for (const task of tasks.splice(0)) task()
  }
  create(0, 1)
  work()
  expect(waiting).toBe(0)
  askProgress()
  askProgress()
  work()
  expect(waiting).toBe(1)
  expect(answers).toHaveLength(1)
  Object.assign(source, { eventsSince: () => [] })
  hub.changed()
  work()
  expect(answers.slice(1)).toMatchObject([{ watchId: -1, header: { revision: 1 } }])
  expect(waiting).toBe(0)
  hub.changed()
  work()
  expect(answers).toHaveLength(2)
})
