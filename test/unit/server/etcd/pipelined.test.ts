/** Callers over HTTP/1.1 who send the next request before they have their answer, and who do not read it. */
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { dial, readAll, world } from '../../rpc/support.js'
import { memberOverHttp1 } from './served.js'

const FOO = Buffer.from('foo').toString('base64')

function post(path: string, body: unknown, headers = ''): string {
  const text = JSON.stringify(body)
  const length = `Content-Length: ${text.length}`
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n${headers}\r\n${text}`
}

const WATCH = post('/v3/watch', { create_request: { key: FOO } })

describe('on one connection', () => {
  const at = memberOverHttp1()

  test('requests are served one after the other, and answered in their order', async () => {
    const socket = await dial(at.port)
    const all = readAll(socket)
    const puts = Array.from({ length: 6 }, (_, i) =>
      post('/v3/kv/put', { key: FOO, value: Buffer.from(String(i)).toString('base64') }),
    )
    const last = post('/v3/kv/range', { key: FOO }, 'Connection: close\r\n')
    socket.write([...puts, last].join(''))
    const answers = (await all).split('HTTP/1.1 200 OK').slice(1)
    const revisions = answers.map((answer) => /"revision":"(\d+)"/.exec(answer)?.[1])
    expect(revisions).toEqual(['2', '3', '4', '5', '6', '7', '7'])
    expect(answers.at(-1)).toContain(`"value":"${Buffer.from('5').toString('base64')}"`)
  })

  test('a caller who goes takes with him all that he asked', async () => {
    const { hub } = at.member
    const socket = await dial(at.port)
    socket.write(WATCH + WATCH + WATCH)
    await expect.poll(() => hub.numbers.watchers).toBe(1)
    socket.resetAndDestroy()
    await expect.poll(() => hub.numbers.watchers).toBe(0)
    const next = await dial(at.port)
    const all = readAll(next)
    next.write(post('/v3/kv/range', { key: FOO }, 'Connection: close\r\n'))
    expect(await all).toContain('200 OK')
    expect(hub.numbers.watchers).toBe(0)
  })

  test('behind an answer that closes it nothing is done', async () => {
    const asked: (string | undefined)[] = []
    const closing = await world([], {
      http1: (request, response) => {
        asked.push(request.url)
        setImmediate(() => response.setHeader('Connection', 'close').end('done'))
      },
    })
    const socket = await dial(closing.port)
    const all = readAll(socket)
    socket.write(post('/a', {}) + post('/b', {}))
    expect((await all).split('200 OK')).toHaveLength(2)
    await closing.end()
    expect(asked).toEqual(['/a'])
  })

  test('so many may wait, with more it is closed', async () => {
    const range = post('/v3/kv/range', { key: FOO })
    const socket = await dial(at.port)
    let closed = false
    socket.once('close', () => {
      closed = true
    })
    socket.resume()
    socket.write(WATCH + range.repeat(8))
    await expect.poll(() => at.member.hub.numbers.watchers).toBe(1)
    const other = await dial(at.port)
    other.write(post('/v3/kv/put', { key: FOO }, 'Connection: close\r\n'))
    expect(await readAll(other)).toContain('200 OK')
    expect(closed).toBe(false)
    socket.write(range)
    await expect.poll(() => closed).toBe(true)
    await expect.poll(() => at.member.hub.numbers.watchers).toBe(0)
  })
})

describe('who does not read', () => {
  const at = memberOverHttp1({ stallMsMax: 300, unreadJsonBytesMax: 12_000_000 })
  const large = Buffer.alloc(900_000, 'x').toString('base64')

  test('is cut off, and others are told meanwhile that there is no room', async () => {
    const writer = await dial(at.port)
    const written = readAll(writer)
    const puts = Array.from({ length: 8 }, (_, i) =>
      post('/v3/kv/put', { key: Buffer.from(`k${i}`).toString('base64'), value: large }),
    )
    writer.write(puts.join('') + post('/v3/kv/range', { key: FOO }, 'Connection: close\r\n'))
    expect((await written).split('200 OK')).toHaveLength(10)
    const all = post('/v3/kv/range', { key: 'AA==', range_end: 'AA==' }, 'Connection: close\r\n')
    const silent = await dial(at.port)
    silent.pause()
    silent.write(all)
    await once(silent, 'readable')
    const other = await dial(at.port)
    other.write(all)
    expect(await readAll(other)).toContain('HTTP/1.1 429')
    // What was on its way is still there to be read; the rest of it is not.
    await expect
      .poll(async () => {
        const again = await dial(at.port)
        again.write(all)
        return (await readAll(again)).length
      })
      .toBeGreaterThan(8 * large.length)
    expect((await readAll(silent)).length).toBeLessThan(8 * large.length)
  })

  test('a watch with nothing to tell may last', async () => {
    const socket = await dial(at.port)
    const all = readAll(socket)
    socket.write(WATCH)
    await expect.poll(() => at.member.hub.numbers.watchers).toBe(1)
    const silentMs = 700
    await new Promise((resolve) => setTimeout(resolve, silentMs))
    const writer = await dial(at.port)
    writer.write(post('/v3/kv/put', { key: FOO }, 'Connection: close\r\n'))
    await readAll(writer)
    await expect.poll(() => socket.bytesRead).toBeGreaterThan(300)
    socket.destroy()
    expect(await all).toContain('"events"')
  })
})
