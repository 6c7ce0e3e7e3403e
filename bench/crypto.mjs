// What signatures cost here, and whether batches and other threads pay. Run: npm run build && node bench/crypto.mjs
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { cpus } from 'node:os'
import { Worker } from 'node:worker_threads'
import { browserSuite } from '../dist/crypto/browser.js'
import { Keyring } from '../dist/crypto/keyring.js'
import { nodeSuite } from '../dist/crypto/node.js'
import { signRequests } from '../dist/crypto/sealed.js'

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const { createPublicKey, verify } = require('node:crypto')
const key = createPublicKey({ key: Buffer.from(workerData), format: 'der', type: 'spki' })
parentPort.on('message', (batch) => {
  parentPort.postMessage(batch.map(([message, signature]) => verify(null, message, key, signature)))
})`

const MS = 1_000
/** Signed requests that are verified, each once. */
const VERIFIED = 4_000
const message = new Uint8Array(200).fill(7)
const seed = new Uint8Array(32).fill(9)
const rows = []

/** Calls a second, measured for about a second after a warm-up. */
function rate(name, call, each = 1) {
  for (let i = 0; i < 50; i++) call()
  const began = performance.now()
  let calls = 0
  while (performance.now() - began < MS) {
    for (let i = 0; i < 10; i++) call()
    calls += 10
  }
  add(name, (calls * each * 1_000) / (performance.now() - began))
}

function add(name, perSecond) {
  rows.push({ name, perSecond: Math.round(perSecond), us: (1e6 / perSecond).toFixed(1) })
}

for (const [name, suite] of [
  ['node:crypto', nodeSuite],
  ['pure JavaScript', browserSuite],
]) {
  const signer = suite.signer(seed)
  const verifier = suite.verifier(signer.publicKey)
  const signature = signer.sign(message)
  rate(`Ed25519 sign, ${name}`, () => signer.sign(message))
  rate(`Ed25519 verify, ${name}`, () => verifier.verify(message, signature))
  rate(`HMAC-SHA256, ${name}`, () => suite.mac(seed, message))
  rate(`SHA-256 of 200 B, ${name}`, () => suite.digest(message))
}

const signer = nodeSuite.signer(seed)
const voice = { suite: nodeSuite, signer, clusterId: 'bench' }
const keyring = () =>
  new Keyring({
    suite: nodeSuite,
    clusterId: 'bench',
    replicas: [],
    clients: [{ name: 'c', publicKey: signer.publicKey }],
    allowAnonymousClients: false,
  })
const requests = (count, seq = 1) =>
  Array.from({ length: count }, (_, i) => ({
    session: 1,
    seq: seq + i,
    ackedThrough: 0,
    command: message,
  }))
for (const count of [1, 10, 100]) {
  rate(`requests signed ${count} at once`, () => signRequests(voice, requests(count)), count)
  const signed = []
  for (let seq = 1; seq <= VERIFIED; seq += count)
    signed.push(...signRequests(voice, requests(count, seq)))
  const fresh = keyring()
  fresh.verifyRequest(signRequests(voice, requests(1, VERIFIED + count))[0])
  const began = performance.now()
  for (const one of signed) if (!fresh.verifyRequest(one)) throw new Error('a bad signature')
  add(
    `and verified, ${count} under one signature`,
    (signed.length * 1_000) / (performance.now() - began),
  )
}
const known = keyring()
const [one] = signRequests(voice, requests(1))
known.verifyRequest(one)
rate('a request whose signature is known', () => known.verifyRequest(one))

await elsewhere()
console.log(
  `node ${process.version}, ${cpus().length} cores; each figure is of one thread unless it says otherwise`,
)
for (const { name, perSecond, us } of rows)
  console.log(`${name.padEnd(52)} ${String(perSecond).padStart(9)} /s ${us.padStart(9)} us`)

/** 256 verifications at a time: on this thread, in libuv's pool, in workers. */
async function elsewhere() {
  const BATCH = 256
  const keys = generateKeyPairSync('ed25519')
  const signature = sign(null, message, keys.privateKey)
  rate(
    `256 verifications, on this thread`,
    () => {
      for (let i = 0; i < BATCH; i++) verify(null, message, keys.publicKey, signature)
    },
    BATCH,
  )
  const inPool = () =>
    new Promise((done) => {
      let left = BATCH
      for (let i = 0; i < BATCH; i++)
        verify(null, message, keys.publicKey, signature, () => --left === 0 && done())
    })
  add('256 verifications, in the thread pool', await rateOf(inPool, BATCH))
  const der = keys.publicKey.export({ format: 'der', type: 'spki' })
  createPublicKey({ key: der, format: 'der', type: 'spki' })
  for (const count of [1, 2]) {
    const workers = Array.from(
      { length: count },
      () => new Worker(WORKER, { eval: true, workerData: der }),
    )
    const inWorkers = () =>
      Promise.all(
        workers.map(
          (worker) =>
            new Promise((done) => {
              worker.once('message', done)
              const share = Array.from({ length: BATCH / count }, () => [message, signature])
              worker.postMessage(share)
            }),
        ),
      )
    add(`256 verifications, in ${count} worker(s)`, await rateOf(inWorkers, BATCH))
    for (const worker of workers) await worker.terminate()
  }
}

async function rateOf(call, each) {
  await call()
  const began = performance.now()
  let calls = 0
  while (performance.now() - began < MS) {
    await call()
    calls++
  }
  return (calls * each * 1_000) / (performance.now() - began)
}
