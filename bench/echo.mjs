// The yardstick: a bare unary echo of 300 bytes over the same gRPC library, client and server in one process. What a
// machine makes of this bounds what any server on it can make of unary calls.
//
//   node bench/echo.mjs
import * as grpc from '@grpc/grpc-js'

const asIs = (bytes) => bytes
const service = {
  Echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
}
const server = new grpc.Server()
server.addService(service, { Echo: (call, done) => done(null, call.request) })
const port = await new Promise((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  ),
)
const Client = grpc.makeGenericClientConstructor(service, 'Echo')
const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
const payload = Buffer.alloc(300)
const call = () =>
  new Promise((resolve, reject) =>
    client.Echo(payload, (error) => (error === null ? resolve() : reject(error))),
  )
for (const concurrency of [1, 100]) {
  const end = performance.now() + 3_000
  let done = 0
  const worker = async () => {
    while (performance.now() < end) {
      await call()
      done++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  console.log(`echo-${concurrency}: ${Math.round(done / 3)} calls/s`)
}
process.exit(0)
