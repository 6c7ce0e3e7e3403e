// `npm run test:differential -- [--requests N] [--seed N] [--nodes 1|3]`: the same requests to etcd and to Quorate.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { compare, EXPLAINED } from './compare.mjs'
import { Requests } from './requests.mjs'
import { shrink } from './shrink.mjs'
import { startEtcd, startQuorate } from './targets.mjs'
import { Turns } from './turns.mjs'

/** Each error text has to come so often for every 10,000 requests: ten times in CI's 20,000. */
const EACH_ERROR_PER_10_000 = 5
/** What the stream is after, and not only what it happens to meet. */
const WANTED = [
  'etcdserver: key is not provided',
  'etcdserver: key not found',
  'etcdserver: value is provided',
  'etcdserver: lease is provided',
  'etcdserver: request is too large',
  'etcdserver: too many operations in txn request',
  'etcdserver: duplicate key given in txn request',
  'etcdserver: mvcc: required revision has been compacted',
  'etcdserver: mvcc: required revision is a future revision',
  'etcdserver: requested lease not found',
  'etcdserver: lease already exists',
  'etcdserver: too large lease TTL',
  'watch canceled: compacted',
  'watch canceled: mvcc: watcher range is empty',
]
const ERRORS_SHARE_MIN = 0.2
const KEPT = join(import.meta.dirname, 'kept-seeds.json')

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    nodes: { type: 'string', default: '1' },
  },
})
for (const [name, value] of Object.entries(values))
  if (!/^[0-9]{1,9}$/.test(value)) usage(`--${name}: expected a whole number, got ${value}`)
if (values.nodes === '0') usage('--nodes: expected 1 or more, got 0')

install()
/** Seeds that once found something, each over its first requests; then the stream of this run. */
const kept = values.seed === undefined ? JSON.parse(readFileSync(KEPT, 'utf8')) : []
const runs = [...kept, { seed: Number(values.seed ?? 1), requests: Number(values.requests) }]
const totals = { passed: 0, failed: 0, errors: new Map(), explained: new Map() }
for (const run of runs) if (!(await play(run))) break
report()

async function play({ seed, requests }) {
  const nodes = Number(values.nodes)
  console.log(
    `differential: ${requests} requests of seed ${seed}, ${nodes} node${nodes === 1 ? '' : 's'}`,
  )
  const etcd = await startEtcd()
  const ours = await startQuorate(nodes)
  const stream = new Requests(seed)
  const turns = new Turns()
  const asked = []
  try {
    while (asked.length < requests) {
      for (const step of stream.next()) {
        const request = typeof step === 'function' ? step(stream.seen) : step
        asked.push(request)
        const found = await askBoth({ etcd, ours }, request, turns)
        note(stream.seen, request, found.raw)
        count(found)
        if (found.same || found.explained !== null) continue
        await fail({ seed, nodes, asked, found })
        return false
      }
    }
  } finally {
    await Promise.all([etcd.close(), ours.close()])
  }
  return true
}

async function askBoth({ etcd, ours }, request, turns) {
  const at = turns.next(request)
  const [raw, our] = await Promise.all([answer(etcd, request, at), answer(ours, request, at)])
  turns.answered(request, raw)
  return { raw, ...compare(request, raw, our) }
}

async function answer(target, request, turn) {
  try {
    return await target.ask(request, turn)
  } catch (error) {
    return { status: 0, lines: [{ notJson: `${error.message}; alive: ${target.alive()}` }] }
  }
}

/** What later requests refer to. */
function note(seen, { path, body }, { status, lines }) {
  const revision = Number(lines[0]?.header?.revision ?? 0)
  if (revision > seen.revision) seen.revision = revision
  if (path === '/v3/kv/compaction' && status === 200)
    seen.compacted = Math.max(seen.compacted, Number(JSON.parse(body).revision))
}

function count({ same, explained, raw }) {
  if (same || explained !== null) totals.passed++
  else totals.failed++
  if (explained !== null)
    totals.explained.set(explained, (totals.explained.get(explained) ?? 0) + 1)
  const [line] = raw.lines
  const last = raw.lines.at(-1)?.result
  const text =
    line?.message ??
    line?.error?.message ??
    (last?.canceled ? `watch canceled: ${last.cancel_reason ?? 'compacted'}` : null)
  if (text === null || text === undefined) return
  totals.errors.set(text, (totals.errors.get(text) ?? 0) + 1)
}

async function fail({ seed, nodes, asked, found }) {
  console.log(`differential: seed ${seed}, request ${asked.length}: the answers differ`)
  show(asked.at(-1), found)
  const small = await shrink(asked, nodes, askBoth)
  if (small === null) {
    console.log('differential: it does not come again on fresh servers')
    return
  }
  console.log(`differential: as few as ${small.requests.length} requests show it:`)
  for (const request of small.requests) console.log(`  ${request.path} ${cut(request.body)}`)
  show(small.requests.at(-1), small.found)
}

function show(request, { etcd, ours }) {
  console.log(`  asked ${request.path} ${cut(request.body)}`)
  console.log(`  etcd    ${cut(JSON.stringify(etcd))}`)
  console.log(`  quorate ${cut(JSON.stringify(ours))}`)
}

function cut(text) {
  return text.length > 4_000 ? `${text.slice(0, 4_000)} (${text.length} characters)` : text
}

function report() {
  const { passed, failed, errors, explained } = totals
  const all = [...errors].sort(([, a], [, b]) => b - a)
  const erred = all.reduce((sum, [, times]) => sum + times, 0)
  console.log(`differential: ${erred} of ${passed + failed} requests ended in an error:`)
  for (const [text, times] of all) console.log(`  ${String(times).padStart(6)}  ${text}`)
  for (const [name, times] of explained)
    console.log(`differential: ${times} times ${name}: ${EXPLAINED[name].why}`)
  const needed = Math.floor((passed / 10_000) * EACH_ERROR_PER_10_000)
  const texts = new Set([...WANTED, ...errors.keys()])
  const rare = failed > 0 ? [] : [...texts].filter((text) => (errors.get(text) ?? 0) < needed)
  for (const text of rare) console.log(`differential: too rare to have been tried: ${text}`)
  const few = failed === 0 && erred < ERRORS_SHARE_MIN * passed
  if (few)
    console.log(`differential: fewer than ${ERRORS_SHARE_MIN} of the requests ended in an error`)
  const failures = failed + rare.length + (few ? 1 : 0)
  console.log(`differential: ${passed} passed, ${failures} failed, 0 skipped`)
  process.exit(failures === 0 ? 0 : 1)
}

/** A suite whose tool is missing fails; it is not skipped. */
function install() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  if (folders.some((folder) => existsSync(join(folder, 'etcd')))) return
  for (const args of [
    ['update', '-q'],
    ['install', '-qy', '--no-install-recommends', 'etcd-server'],
  ]) {
    const ran = spawnSync('apt-get', args, { stdio: 'inherit' })
    if (ran.status === 0) continue
    console.log(
      `differential: etcd-server cannot be installed\ndifferential: 0 passed, 1 failed, 0 skipped`,
    )
    process.exit(1)
  }
}

function usage(text) {
  console.error(`differential: ${text}`)
  process.exit(2)
}
