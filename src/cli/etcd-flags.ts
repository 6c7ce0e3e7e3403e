/**
 * Flags of etcd 3.4 to 3.6 that `serve` does not have: whoever starts it in etcd's place is told what each does here.
 * What promises safety or another cluster (TLS, discovery ...) is refused; what tunes is taken with a warning.
 */
import { usageError } from './errors.js'
import type { Written } from './serve-written.js'

const TLS = 'there is no TLS yet, and without it this flag would promise what does not hold'
const DISCOVERY = 'there is no discovery: name the members with --initial-cluster'
const LOGS = 'the log is JSON lines on stderr'
const STORE = 'the store is in memory, beside a log and snapshots'
const PROXY = 'there is no proxy'
const BOUND = 'the bound is fixed'

/** What the node does instead. */
const IGNORED: Readonly<Record<string, string>> = {
  'wal-dir': 'the log lies in --data-dir',
  'initial-election-tick-advance': 'elections need no such help',
  'max-snapshots': 'snapshots go by themselves once a later one is safe',
  'max-wals': "the log's segments go by themselves once a snapshot covers them",
  'backend-batch-interval': STORE,
  'backend-batch-limit': STORE,
  'backend-bbolt-freelist-type': STORE,
  'max-txn-ops': `${BOUND}: 128 operations`,
  'max-request-bytes': `${BOUND}: 1.5 MiB`,
  'max-concurrent-streams': `${BOUND}: 1,024 a connection`,
  'grpc-keepalive-min-time': 'clients may ping as often as they like',
  'grpc-keepalive-interval': 'an idle connection is pinged every 30 s',
  'grpc-keepalive-timeout': 'a connection is closed 10 s after a ping without an answer',
  'socket-reuse-port': 'ports are not shared',
  'socket-reuse-address': 'ports are not shared',
  'strict-reconfig-check': 'members cannot be changed yet',
  'pre-vote': 'pre-vote is always on',
  'enable-v2': 'there is no v2 API',
  'v2-deprecation': 'there is no v2 API',
  'enable-grpc-gateway': 'the JSON gateway is always on',
  'cipher-suites': TLS,
  'tls-min-version': TLS,
  'tls-max-version': TLS,
  'self-signed-cert-validity': TLS,
  'auth-token': 'there are no users yet',
  'bcrypt-cost': 'there are no users yet',
  'auth-token-ttl': 'there are no users yet',
  'enable-pprof': 'use node --prof or --inspect',
  metrics: 'all metrics are told',
  'listen-metrics-urls': 'metrics are on the client port',
  logger: LOGS,
  'log-outputs': LOGS,
  'log-level': LOGS,
  'log-format': LOGS,
  'log-package-levels': LOGS,
  'log-rotation-config-json': LOGS,
  'enable-log-rotation': LOGS,
  debug: LOGS,
  'enable-distributed-tracing': 'there is no tracing',
  'distributed-tracing-address': 'there is no tracing',
  'distributed-tracing-service-name': 'there is no tracing',
  'distributed-tracing-instance-id': 'there is no tracing',
  'distributed-tracing-sampling-rate': 'there is no tracing',
  'feature-gates': 'there are none',
  'corrupt-check-time': 'each node tells its state hash: compare them with quorate status',
  'initial-corrupt-check': 'each record of the log is checked at every start',
  'compact-hash-check-enabled': 'compare the state hashes with quorate status',
  'compact-hash-check-time': 'compare the state hashes with quorate status',
  'compaction-batch-limit': 'garbage goes in slices of 1 ms',
  'compaction-sleep-interval': 'garbage goes in slices of 1 ms',
  'peer-skip-client-san-verification': TLS,
  'warning-apply-duration': 'no warning is printed for slow requests',
  'warning-unary-request-duration': 'no warning is printed for slow requests',
  'downgrade-check-time': 'there is no version to go down to',
  'memory-mlock': 'memory is not locked',
  'bootstrap-defrag-threshold-megabytes': STORE,
  'snapshot-catchup-entries': '5,000 entries are kept for slow followers',
  'max-learners': 'there are no learners yet',
  'lease-checkpoint': "leases expire by the log's time: there is nothing to checkpoint",
  'enable-lease-checkpoint': "leases expire by the log's time: there is nothing to checkpoint",
  'enable-lease-checkpoint-persist':
    "leases expire by the log's time: there is nothing to checkpoint",
  'stop-grpc-service-on-defrag': 'there is nothing to defragment',
  'txn-mode-write-with-shared-buffer': STORE,
  'enable-v2v3': 'there is no v2 API',
  'unsafe-no-fsync': 'the log is synced before anything is promised, always',
  'proxy-failure-wait': PROXY,
  'proxy-refresh-interval': PROXY,
  'proxy-dial-timeout': PROXY,
  'proxy-write-timeout': PROXY,
  'proxy-read-timeout': PROXY,
}

/** etcd calls many of them so until they are found good. */
const EXPERIMENTAL = 'experimental-'

/** Those of `serve` that older versions of etcd know by another name. */
const RENAMED: Readonly<Record<string, string>> = {
  'experimental-watch-progress-notify-interval': 'watch-progress-notify-interval',
}

/** Refused unless switched off or empty. */
const REFUSED: Readonly<Record<string, string>> = {
  'cert-file': TLS,
  'client-cert-auth': TLS,
  'client-cert-file': TLS,
  'client-key-file': TLS,
  'client-crl-file': TLS,
  'client-cert-allowed-hostname': TLS,
  'trusted-ca-file': TLS,
  'auto-tls': TLS,
  'peer-cert-file': TLS,
  'peer-key-file': TLS,
  'peer-client-cert-file': TLS,
  'peer-client-key-file': TLS,
  'peer-client-cert-auth': TLS,
  'peer-trusted-ca-file': TLS,
  'peer-cert-allowed-cn': TLS,
  'peer-cert-allowed-hostname': TLS,
  'peer-auto-tls': TLS,
  'peer-crl-file': TLS,
  'client-transport-security': TLS,
  'peer-transport-security': TLS,
  discovery: DISCOVERY,
  'discovery-endpoints': DISCOVERY,
  'discovery-token': DISCOVERY,
  'discovery-srv': DISCOVERY,
  'discovery-srv-name': DISCOVERY,
  'discovery-proxy': DISCOVERY,
  'discovery-fallback': DISCOVERY,
  proxy: PROXY,
  'force-new-cluster': 'a cluster that lost its majority cannot be made anew from one member yet',
}

/** With the names under which etcd has them. */
export const ETCD_FLAGS: readonly string[] = [
  ...Object.keys(IGNORED),
  ...Object.keys(REFUSED),
  ...Object.keys(IGNORED).map((name) => EXPERIMENTAL + name),
  ...Object.keys(RENAMED),
]

const KNOWN = new Set(ETCD_FLAGS)

export function isEtcdFlag(name: string): boolean {
  return KNOWN.has(name)
}

/** As `serve` calls it. */
export function plainName(name: string): string {
  return RENAMED[name] ?? name
}

/** The warning that it deserves; null: it asks for nothing. Throws CliError. */
export function judge(name: string, { value, from }: Written): string | null {
  if (isOff(value)) return null
  const refusal = REFUSED[name]
  if (refusal !== undefined) throw usageError(`${from}: not supported: ${refusal}`)
  const plain = name.startsWith(EXPERIMENTAL) ? name.slice(EXPERIMENTAL.length) : name
  return `${from} has no effect: ${IGNORED[plain] ?? ''}`
}

/** Also of a group of the file of which nothing is set. */
function isOff(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isOff)
  return ['', 'false', 'off', '0', 'null', 'undefined'].includes(String(value))
}
