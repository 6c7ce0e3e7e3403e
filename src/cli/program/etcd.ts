/** etcdctl's other verbs, over etcd's API: they work against etcd as well. */
import { type Command, Option } from 'commander'
import { clientOptions, hexOption, number, type SetExitCode, writeOutOption } from './options.js'

export function addEtcd(program: Command, setExitCode: SetExitCode): void {
  addWatch(program)
  addLease(program)
  addHolding(program, setExitCode)
  addMembers(program, setExitCode)
}

const revision = (flag: string) => number(flag, 0, Number.MAX_SAFE_INTEGER)

function addWatch(program: Command): void {
  clientOptions(program.command('watch').description('follow the changes of a key, or of a range'))
    .usage('[options] KEY [RANGE_END] [-- COMMAND...]')
    .argument('[words...]', 'a command behind -- runs for each change, told in ETCD_WATCH_...')
    .option('--rev <n>', 'from this revision on; else from now', revision('--rev'))
    .option('--prefix', 'every key that starts with KEY')
    .option('--prev-kv', 'print what was there before, too')
    .option('--progress-notify', 'now and then, where nothing changes, print up to which revision')
    .option('-i, --interactive', 'read what to watch from stdin, one a line: watch [flags] KEY')
    .addOption(writeOutOption())
    .addOption(hexOption())
    .action(async (words: string[], options) => {
      await (await import('../commands/watch.js')).watch(withDashes(words), options)
    })
}

/** Commander drops the `--`, behind which nothing is a flag: it is put back where it was. */
function withDashes(words: readonly string[]): readonly string[] {
  const at = process.argv.indexOf('--')
  if (at === -1) return words
  const behind = process.argv.length - at - 1
  const from = words.length - behind
  return [...words.slice(0, from), '--', ...words.slice(from)]
}

function addLease(program: Command): void {
  const lease = program.command('lease').description('grant, keep, look at and revoke leases')
  const sub = (name: string, description: string) =>
    clientOptions(lease.command(name).description(description)).addOption(writeOutOption())
  sub('grant', 'a new lease')
    .argument('<ttl>', 'seconds')
    .action(async (ttl, options) => (await import('../commands/lease.js')).grant(ttl, options))
  sub('revoke', 'end a lease: its keys are deleted')
    .argument('<id>', 'in hex')
    .action(async (id, options) => (await import('../commands/lease.js')).revoke(id, options))
  sub('timetolive', 'what a lease has left')
    .argument('<id>', 'in hex')
    .option('--keys', 'and what it holds')
    .action(async (id, options) => (await import('../commands/lease.js')).timeToLive(id, options))
  sub('list', 'every lease').action(async (options) =>
    (await import('../commands/lease.js')).list(options),
  )
  sub('keep-alive', 'extend a lease until told to stop')
    .argument('<id>', 'in hex')
    .option('--once', 'extend it once')
    .action(async (id, options) => (await import('../commands/lease.js')).keepAlive(id, options))
}

function addHolding(program: Command, setExitCode: SetExitCode): void {
  clientOptions(program.command('lock').description('hold a lock: print its key, or run a command'))
    .argument('<name>')
    .argument(
      '[command...]',
      'run under the lock; ETCD_LOCK_KEY, and the fencing token in ETCD_LOCK_REV',
    )
    .option('--ttl <seconds>', 'until others have it when we are gone', number('--ttl', 0, 9e9), 10)
    .addOption(writeOutOption())
    .addOption(hexOption())
    .passThroughOptions()
    .action(async (name, command, options) => {
      setExitCode(await (await import('../commands/hold.js')).lock(name, command, options))
    })
  clientOptions(program.command('elect').description('take part in an election, or watch one'))
    .argument('<name>')
    .argument('[proposal]')
    .option('-l, --listen', 'print who leads, whenever it changes')
    .addOption(writeOutOption())
    .addOption(hexOption())
    .action(async (name, proposal, options) => {
      setExitCode(await (await import('../commands/hold.js')).elect(name, proposal, options))
    })
}

function addMembers(program: Command, setExitCode: SetExitCode): void {
  const endpoint = program.command('endpoint').description('ask each endpoint about itself')
  const ask = (name: string, description: string) =>
    clientOptions(endpoint.command(name).description(description))
      .option('--cluster', 'every member of the cluster, instead of --endpoints')
      .addOption(writeOutOption())
  ask('status', 'version, size, leader, term, index').action(async (options) => {
    setExitCode(await (await import('../commands/endpoint.js')).status(options))
  })
  ask('health', 'whether it can confirm a read').action(async (options) => {
    setExitCode(await (await import('../commands/endpoint.js')).health(options))
  })
  ask('hashkv', 'a hash of its history: the same on every member at one revision')
    .option('--rev <n>', 'up to this revision', revision('--rev'))
    .action(async (options) => {
      setExitCode(await (await import('../commands/endpoint.js')).hashKv(options))
    })
  const member = program.command('member').description('who belongs to the cluster')
  clientOptions(member.command('list').description('every member, and where it serves'))
    .option('--hex', 'ids in hex, in every format')
    .addOption(writeOutOption())
    .action(async (options) => (await import('../commands/member.js')).list(options))
  clientOptions(program.command('move-leader').description('have another member lead'))
    .argument('<member_id>', 'in hex')
    .action(async (id, options) => (await import('../commands/member.js')).moveLeader(id, options))
  clientOptions(program.command('compaction').description('forget the history below a revision'))
    .argument('<revision>')
    .option('--physical', 'end once the space is given back, too')
    .action(async (rev, options) => {
      await (await import('../commands/maintenance.js')).compaction(rev, options)
    })
  clientOptions(program.command('defrag').description('of every endpoint: there is nothing to do'))
    .option('--cluster', 'every member of the cluster, instead of --endpoints')
    .action(async (options) => {
      setExitCode(await (await import('../commands/endpoint.js')).defrag(options))
    })
  const alarm = program.command('alarm').description('what keeps members from their work')
  for (const verb of ['list', 'disarm'] as const)
    clientOptions(
      alarm.command(verb).description(verb === 'list' ? 'print all of them' : 'end all of them'),
    )
      .addOption(writeOutOption())
      .action(async (options) => (await import('../commands/maintenance.js')).alarm(verb, options))
}

/** Below `check`, whose other meaning is the checker of histories: etcdctl's `check perf`. */
export function addPerf(check: Command, setExitCode: SetExitCode): void {
  clientOptions(check.command('perf').description("a minute of etcdctl's load, and its verdict"))
    .addOption(
      new Option('--load <size>', 'small, medium, large or xLarge')
        .choices(['s', 'small', 'm', 'medium', 'l', 'large', 'xl', 'xLarge'])
        .default('s'),
    )
    .option('--prefix <prefix>', 'of the keys that it writes, and deletes', '/etcdctl-check-perf/')
    .option('--auto-compact', 'compact afterwards')
    .option('--auto-defrag', 'defragment every endpoint afterwards')
    .action(async (options) => {
      setExitCode(await (await import('../commands/perf.js')).perf(options))
    })
}
