// Are two answers the same? What belongs to a cluster and not to its data is left out; each difference that is let
// through has a name and a reason, here and in docs/etcd-compatibility.md, and nothing else is.
const OWN = new Set(['cluster_id', 'member_id', 'raft_term'])
/** A rest of more seconds is not compared: none of the leases that stay ends during a run. */
const LONG_TTL = 1_000

/** Each takes `{ etcd, ours }`, both normalised, with the request, and says whether it explains that they differ. */
export const EXPLAINED = {
  'precondition-400': {
    why: 'FailedPrecondition is HTTP 400 from etcd 3.6 on, 412 before',
    holds: ({ etcd, ours }) =>
      etcd.status === 412 && ours.status === 400 && same(etcd.lines, ours.lines),
  },
  'words-of-json': {
    why: 'what is wrong with JSON is told in other words than Go has, and names the field',
    holds: ({ etcd, ours }) =>
      etcd.status === 400 && ours.status === 400 && isJsonError(etcd) && isJsonError(ours),
  },
  'delete-at-compacted': {
    why: 'a watch from the compacted revision is told of a deletion in that revision; etcd 3.4.23 loses it',
    holds: ({ request, etcd, ours }) => {
      if (request.path !== '/v3/watch' || !same(etcd.others, ours.others)) return false
      const start = String(JSON.parse(request.body).create_request.start_revision)
      const lost = ({ type, kv }) => type === 'DELETE' && kv.mod_revision === start
      return same(
        etcd.events,
        ours.events.filter((event) => !lost(event)),
      )
    },
  },
  'order-of-ties': {
    why: 'keys that a sorted range finds equal keep the order of the keys; etcd leaves them in any order',
    holds: ({ request, etcd, ours }) => {
      const target = request.path === '/v3/kv/range' ? targetOf(JSON.parse(request.body)) : null
      const fields = Object.entries(FIELDS).filter(([name]) => target === null || name === target)
      return fields.some(([, field]) => same(untied(etcd, field), untied(ours, field)))
    },
  },
  'not-found-page': {
    why: 'a path that is none is answered as JSON too',
    holds: ({ etcd, ours }) =>
      etcd.status === 404 && ours.status === 404 && etcd.lines[0]?.notJson !== undefined,
  },
}

/** What a range is sorted by, of each key. */
const FIELDS = {
  VERSION: 'version',
  CREATE: 'create_revision',
  MOD: 'mod_revision',
  VALUE: 'value',
}

function targetOf({ sort_target: target }) {
  return typeof target === 'number' ? Object.keys(FIELDS)[target - 1] : target
}

/** Each run of keys that are equal in this field in one order; of the last run before a limit, only how long it is. */
function untied(value, field) {
  if (Array.isArray(value)) return value.map((one) => untied(one, field))
  if (typeof value !== 'object' || value === null) return value
  const { kvs, ...rest } = value
  const plain = Object.entries(rest).map(([name, inner]) => [name, untied(inner, field)])
  if (kvs === undefined) return Object.fromEntries(plain)
  const runs = []
  for (const kv of kvs) {
    const run = runs.at(-1)
    if (run !== undefined && run[0][field] === kv[field]) run.push(kv)
    else runs.push([kv])
  }
  for (const run of runs) run.sort((a, b) => (a.key < b.key ? -1 : 1))
  if (value.more && runs.length > 0) {
    const cut = runs.pop()
    runs.push({ [field]: cut[0][field], keys: cut.length })
  }
  return Object.fromEntries([...plain, ['kvs', runs]])
}

function isJsonError({ lines }) {
  const [line] = lines
  return lines.length === 1 && line.code === 3 && !String(line.message).startsWith('etcdserver:')
}

/** `{ same, explained }`: the name of what explains a difference, or null. */
export function compare(request, etcdAnswer, ourAnswer) {
  const etcd = normalise(request, etcdAnswer)
  const ours = normalise(request, ourAnswer)
  if (same(etcd, ours)) return { same: true, explained: null, etcd, ours }
  for (const [name, { holds }] of Object.entries(EXPLAINED))
    if (holds({ request, etcd, ours })) return { same: false, explained: name, etcd, ours }
  return { same: false, explained: null, etcd, ours }
}

function normalise({ path }, { status, lines }) {
  const plain = lines.map((line) => strip(line))
  if (path === '/v3/watch') return { status, ...joined(plain) }
  if (path === '/v3/lease/timetolive' || path === '/v3/lease/keepalive')
    for (const line of plain) coarseLease(line.result ?? line)
  // Those with the same deadline have no order of their own.
  if (path === '/v3/lease/leases')
    for (const line of plain) line.leases?.sort((a, b) => Number(a.ID) - Number(b.ID))
  return { status, lines: plain }
}

/** How the events of a watch are parted into messages is a matter of time. */
function joined(lines) {
  const events = []
  const others = []
  for (const line of lines) {
    const { events: told, fragment, header, ...rest } = line.result ?? { error: line }
    events.push(...(told ?? []))
    if (Object.keys(rest).length > 0) others.push(rest)
  }
  return { events, others }
}

/** Seconds of a long lease are a matter of time, and etcd tells its keys in no order. */
function coarseLease(answer) {
  if (Number(answer.TTL) > LONG_TTL) answer.TTL = 'long'
  answer.keys?.sort()
}

function strip(value) {
  if (Array.isArray(value)) return value.map(strip)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !OWN.has(name))
  return Object.fromEntries(kept.map(([name, inner]) => [name, strip(inner)]))
}

function same(a, b) {
  return canonical(a) === canonical(b)
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.keys(value).sort()
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}
