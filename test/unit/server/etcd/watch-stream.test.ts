/** What one stream of watches answers to what its client asks. */
import { expect, it } from 'vitest'
import { utf8Encode } from '../../../../src/base/utf8.js'
import type { WatchRequest, WatchResponse } from '../../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { KvMachine } from '../../../../src/machine/kv/kv-machine.js'
import { WatchHub } from '../../../../src/machine/watch/hub.js'
import type { ServerStream } from '../../../../src/rpc/types.js'
import { Headers } from '../../../../src/server/etcd/header.js'
import { WatchStream } from '../../../../src/server/etcd/watch/watch-stream.js'

it('watch id 0 asks for a free one, again and again; an id of the caller that is taken is refused', () => {
  const answers: WatchResponse[] = []
  let ask: (request: WatchRequest) => void = () => {}
  const nothing = () => {}
  const stream: ServerStream<WatchRequest, WatchResponse> = {
    write: (response) => answers.push(response) > 0,
    queuedBytes: 0,
    onMessage: (callback) => {
      ask = callback
    },
    ...{ onDrain: nothing, onEnd: nothing, onClose: nothing },
    ...{ pause: nothing, resume: nothing, end: nothing, fail: nothing },
  }
  const source = new KvMachine()
  const hub = new WatchHub(source, { soon: nothing, now: () => 0 })
  const headers = new Headers({ cluster: '1', member: '2' }, () => 1)
  const parts = { hub, source, headers, progressMs: 2 ** 30, serving: () => true }
  new WatchStream(stream, parts, { left: 10 }).open()
  const create = (watchId: number) => {
    const flags = { progressNotify: false, prevKv: false, fragment: false, filters: [] }
    const range = { key: utf8Encode('k'), rangeEnd: new Uint8Array(0), startRevision: 0 }
    ask({ requestUnion: { $case: 'createRequest', value: { ...range, ...flags, watchId } } })
    const { watchId: id, canceled, cancelReason } = answers.at(-1)!
    return canceled ? cancelReason : id
  }
  expect([0, 0, 7, 7, 0].map(create)).toEqual([
    0,
    1,
    7,
    'mvcc: duplicate watch ID provided on the WatchStream',
    2,
  ])
})
