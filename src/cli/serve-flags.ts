/** The flags of `serve`: named as etcd's where they mean the same. Each may also come from the environment or a file. */
import { type Command, Option } from 'commander'
import { ETCD_FLAGS } from './etcd-flags.js'

export interface ServeFlag {
  /** Also the key in the YAML file. */
  readonly name: string
  /** Null: a switch. */
  readonly argument: string | null
  readonly description: string
  readonly shownDefault?: string
}

export const SERVE_FLAGS: readonly ServeFlag[] = [
  { name: 'name', argument: 'name', description: "this node's", shownDefault: 'default' },
  { name: 'data-dir', argument: 'dir', description: 'its data', shownDefault: 'NAME.quorate' },
  {
    name: 'listen-client-urls',
    argument: 'url',
    description: 'for clients',
    shownDefault: 'http://127.0.0.1:2379',
  },
  {
    name: 'listen-peer-urls',
    argument: 'url',
    description: 'for the other nodes',
    shownDefault: 'http://127.0.0.1:2380',
  },
  {
    name: 'advertise-client-urls',
    argument: 'url',
    description: 'what clients are told',
    shownDefault: 'as listened on',
  },
  {
    name: 'initial-advertise-peer-urls',
    argument: 'url',
    description: 'what the other nodes dial',
    shownDefault: 'as in --initial-cluster, else as listened on',
  },
  {
    name: 'initial-cluster',
    argument: 'members',
    description: 'name=url of every initial member, commas between',
    shownDefault: 'this node alone',
  },
  {
    name: 'initial-cluster-state',
    argument: 'state',
    description: 'new, or existing for a node that has its data',
    shownDefault: 'new',
  },
  {
    name: 'initial-cluster-token',
    argument: 'token',
    description: 'tells this cluster from others',
    shownDefault: 'quorate-cluster',
  },
  { name: 'protocol', argument: 'name', description: 'raft or pbft', shownDefault: 'raft' },
  { name: 'cluster-file', argument: 'file', description: 'PBFT: whose keys count' },
  { name: 'key-file', argument: 'file', description: "PBFT: this replica's private key" },
  {
    name: 'front-door-key-file',
    argument: 'file',
    description: 'PBFT: the key of the client as which it asks for those who trust it',
    shownDefault: 'none: no etcd API',
  },
  {
    name: 'election-timeout',
    argument: 'ms',
    description: 'without a leader until a node campaigns',
    shownDefault: '1000',
  },
  {
    name: 'heartbeat-interval',
    argument: 'ms',
    description: "between a leader's signs of life",
    shownDefault: '100',
  },
  {
    name: 'snapshot-count',
    argument: 'entries',
    description: 'between snapshots; over PBFT the same on all replicas',
    shownDefault: '10000',
  },
  {
    name: 'quota-backend-bytes',
    argument: 'bytes',
    description: 'keys and values held, above which writes are refused; negative: no bound',
    shownDefault: '2147483648',
  },
  {
    name: 'auto-compaction-mode',
    argument: 'mode',
    description: 'periodic, or revision',
    shownDefault: 'periodic',
  },
  {
    name: 'auto-compaction-retention',
    argument: 'what',
    description: 'history that is kept: 5m, 1 (hours), or a number of revisions; 0: all',
    shownDefault: '0',
  },
  {
    name: 'watch-progress-notify-interval',
    argument: 'duration',
    description: 'between the signs of life of an idle watch that asks for them',
    shownDefault: '10m',
  },
  {
    name: 'host-whitelist',
    argument: 'names',
    description: 'further names of this node over HTTP/1.1, commas between; *: any',
    shownDefault: 'the names in its URLs',
  },
  {
    name: 'cors',
    argument: 'origins',
    description: 'pages that may ask over HTTP/1.1, as https://host:port, commas between; *: any',
    shownDefault: 'none',
  },
  {
    name: 'enable-fault-injection',
    argument: null,
    description: 'offer SetPartition and SetFaults: never in production',
  },
  {
    name: 'insecure',
    argument: null,
    description: 'allow to listen beyond this machine, in plaintext, for anybody',
  },
]

export function envNameOf(flag: string, prefix = 'QUORATE'): string {
  return `${prefix}_${flag.replaceAll('-', '_').toUpperCase()}`
}

export function addServeOptions(command: Command): Command {
  for (const { name, argument, description, shownDefault } of SERVE_FLAGS) {
    const text = shownDefault === undefined ? description : `${description} (${shownDefault})`
    const flags = argument === null ? `--${name}` : `--${name} <${argument}>`
    command.addOption(new Option(flags, text).env(envNameOf(name)))
  }
  // A switch of etcd's takes a value only behind `=`, which is a value that may be left out.
  for (const name of ETCD_FLAGS) command.addOption(new Option(`--${name} [value]`).hideHelp())
  command.addHelpText(
    'after',
    '\nThe other flags of etcd are known too: each says what it does here.',
  )
  return command.addOption(
    new Option('--config-file <file>', 'YAML with these names; flags and environment win').env(
      'QUORATE_CONFIG_FILE',
    ),
  )
}
