import { describe, expect, it } from 'vitest'
import { FaultCounts } from '../../../../src/sim/faults.js'
import {
  type LinkFaults,
  Network,
  type NetworkOptions,
  NO_LINK_FAULTS,
} from '../../../../src/sim/network.js'
import { World } from '../../../../src/sim/world.js'

interface Sent {
  readonly atMs: number
  readonly what: string
}

function network(faults: Partial<LinkFaults> = {}, options: NetworkOptions = {}, seed = 1) {
  const world = new World(seed)
  const counts = new FaultCounts()
  const net = new Network(world, counts, 2, { ...NO_LINK_FAULTS, ...faults }, options)
  const arrived: Sent[] = []
  const send = (text: string, from = 'n1', to = 'n2') =>
    net.send(from, to, bytesOf(text), (bytes) =>
      arrived.push({ atMs: world.now, what: `${from}>${to} ${String.fromCharCode(...bytes)}` }),
    )
  const run = () => {
    while (world.step());
  }
  return { world, counts, net, arrived, send, run }
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

const texts = ({ arrived }: { arrived: Sent[] }) => arrived.map(({ what }) => what)
const many = Array.from({ length: 200 }, (_, i) => `m${i}`)

describe('a link', () => {
  it('loses, doubles and delays, each as often as it is told, and counts it', () => {
    const t = network({ lost: 0.2, duplicated: 0.3, delayed: 0.2, delayMsMean: 100 })
    for (const text of many) t.send(text)
    t.run()
    const lost = t.counts.of('message-lost')
    const doubled = t.counts.of('message-duplicated')
    expect(lost).toBeGreaterThan(20)
    expect(doubled).toBeGreaterThan(25)
    expect(t.counts.of('message-delayed')).toBeGreaterThan(20)
    expect(t.arrived).toHaveLength(200 - lost + doubled)
    // Delays are long enough to be overtaken.
    const order = texts(t).map((text) => many.indexOf(text.slice(6)))
    expect(order).not.toEqual([...order].sort((a, b) => a - b))
  })

  it('replays much later, over any reset of the connection', () => {
    const t = network({ replayed: 1, replayMsMax: 180_000 })
    t.send('a')
    t.world.after(40, () => t.net.reset('n1', 'n2'))
    t.run()
    expect(texts(t)).toEqual(['n1>n2 a', 'n1>n2 a'])
    expect(t.arrived[1]?.atMs).toBeGreaterThan(1_000)
    expect(t.counts.of('message-replayed')).toBe(1)
  })

  it('never delivers a flipped frame, and would if the checksum were not looked at', () => {
    const t = network({ flipped: 1 })
    for (const text of many) t.send(text)
    t.run()
    expect(t.counts.of('message-flipped')).toBe(200)
    expect(t.arrived).toEqual([])
    const careless = network({ flipped: 1 }, { verifies: false })
    for (const _ of many) careless.send('whole')
    careless.run()
    expect(careless.arrived).toHaveLength(200)
    expect(texts(careless)).not.toContain('n1>n2 whole')
  })

  it('holds everything back while it is clogged, and then delivers all of it in order', () => {
    const t = network()
    t.net.clog('n1', 'n2', 5_000)
    t.send('a')
    t.world.after(100, () => t.send('b'))
    t.send('other way', 'n2', 'n1')
    t.run()
    expect(texts(t)).toEqual(['n2>n1 other way', 'n1>n2 a', 'n1>n2 b'])
    expect(t.arrived.map(({ atMs }) => atMs >= 5_000)).toEqual([false, true, true])
  })

  it('opens early when it is unclogged', () => {
    const t = network()
    t.net.clog('n1', 'n2', 1_000)
    t.net.unclog()
    t.send('a')
    t.run()
    expect(t.arrived[0]?.atMs).toBeLessThan(100)
  })

  it('loses all that is under way when its connection breaks, both ways, and only that', () => {
    const t = network()
    t.send('a')
    t.send('b', 'n2', 'n1')
    t.send('c', 'n1', 'n3')
    t.net.reset('n1', 'n2')
    t.send('d')
    t.run()
    expect(texts(t).sort()).toEqual(['n1>n2 d', 'n1>n3 c'])
  })

  it('carries nothing while it is blocked, and the other way all the same', () => {
    const t = network()
    t.send('under way')
    t.net.block('n1', 'n2')
    t.send('a')
    t.send('b', 'n2', 'n1')
    t.run()
    expect(texts(t)).toEqual(['n2>n1 b'])
    t.net.heal()
    t.send('c')
    t.run()
    expect(texts(t)).toContain('n1>n2 c')
  })
})

describe('the draws of a link', () => {
  const faults = { lost: 0.2, duplicated: 0.3, delayed: 0.2, delayMsMean: 100, flipped: 0.1 }
  /** One message each 10 ms on two links; what arrived, by when it was sent. */
  const history = (options: NetworkOptions, otherLink = true) => {
    const t = network(faults, options, 7)
    for (const [i, text] of many.entries())
      t.world.after(10 * i, () => {
        t.send(text)
        if (otherLink) t.send(text, 'n2', 'n3')
      })
    t.run()
    return t.arrived.filter(({ what }) => what.startsWith('n1')).map((s) => `${s.atMs} ${s.what}`)
  }

  it('are its own: another link that is used or not shifts none of them', () => {
    expect(history({}, false)).toEqual(history({}))
  })

  it('stay as they were around a window of time that is muted', () => {
    const loud = history({})
    const muted = history({ mutedWindows: [{ fromMs: 500, toMs: 1_000 }] })
    const within = (line: string) => {
      const at = many.indexOf(line.split(' m')[1] === undefined ? '' : `m${line.split(' m')[1]}`)
      return at >= 50 && at < 100
    }
    expect(muted.filter((line) => !within(line))).toEqual(loud.filter((line) => !within(line)))
    expect(muted.filter(within)).toHaveLength(50)
    expect(loud.filter(within).length).not.toBe(50)
  })

  it('can be muted for one link alone', () => {
    const elsewhere = { fromMs: 0, toMs: 10_000, from: 'n2', to: 'n3' }
    expect(history({ mutedWindows: [elsewhere] })).toEqual(history({}))
  })
})
