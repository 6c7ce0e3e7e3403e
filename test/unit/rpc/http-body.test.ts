import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { readBody } from '../../../src/rpc/http/body.js'
import { Room } from '../../../src/rpc/room.js'

const room = new Room(10)
const read: string[] = []
const server = createServer(async (request, response) => {
  read.push(await readBody(request, 8, room).catch(() => 'broken off'))
  response.end(read.at(-1))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('bodies are bounded each and together, and give back the room that they took', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const begin = (text: string) => {
    const request = httpRequest({ port, method: 'POST', agent: false })
    request.on('error', () => {})
    request.write(text)
    return request
  }
  const slow = begin('123456')
  await expect.poll(() => room.left).toBe(4)
  // Of its own it is no larger than any may be.
  begin('12345')
  await expect.poll(() => read).toEqual(['no room'])
  expect(room.left).toBe(4)
  begin('123456789')
  await expect.poll(() => read).toEqual(['no room', 'too large'])
  const third = begin('123')
  await expect.poll(() => room.left).toBe(1)
  third.destroy()
  await expect.poll(() => read.length).toBe(3)
  expect(read[2]).toBe('broken off')
  slow.end('7')
  const [response] = (await once(slow, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  expect(read[3]).toBe('1234567')
  expect(room.left).toBe(10)
})
