import { expect, it } from 'vitest'
import { etcdBindings } from '../../../src/rpc/http/bindings.js'
import { Code } from '../../../src/rpc/status.js'

it('an answer that would not fit into memory as JSON is refused before it is read', () => {
  const range = etcdBindings().find(({ method }) => method === '/etcdserverpb.KV/Range')
  const written = () => range?.codec.write(new Uint8Array(32 * 1024 * 1024 + 1))
  expect(written).toThrow(expect.objectContaining({ code: Code.RESOURCE_EXHAUSTED }))
  expect(written).toThrow(/too large for JSON.*ask with a limit, or over gRPC/)
})
