/** The commands, their flags and help. What a command does is loaded when it runs. */
import { Command, Option } from 'commander'
import { VERSION } from '../version.js'
import { complain, oneLine } from './errors.js'
import { addEtcd, addPerf } from './program/etcd.js'
import { addGateway } from './program/gateway.js'
import { addKeyValue } from './program/key-value.js'
import {
  clientOptions,
  duration,
  env,
  number,
  probability,
  type SetExitCode,
} from './program/options.js'
import { addServeOptions } from './serve-flags.js'

export function buildProgram(setExitCode: SetExitCode): Command {
  const program = new Command('quorate')
    .description('Consensus for TypeScript: a replicated log and key-value store on Raft')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError()
    // What follows the command that `lock` runs is that command's.
    .enablePositionalOptions()
    .addHelpText('after', '\nTry: quorate dev, and in a second terminal: quorate put hello world')
  addNodes(program)
  addGateway(program)
  addKeyValue(program, setExitCode)
  addEtcd(program, setExitCode)
  addCluster(program, setExitCode)
  addTools(program, setExitCode)
  addCheck(program, setExitCode)
  addExplore(program, setExitCode)
  addKeys(program)
  for (const command of program.commands) {
    const lines = EXAMPLES[command.name()]
    if (lines !== undefined)
      command.addHelpText(
        'after',
        ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n'),
      )
  }
  return harden(program)
}

/** Shown at the end of a command's help. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  serve: [
    'quorate serve --name n1 --data-dir /var/lib/quorate \\',
    '  --initial-cluster n1=http://127.0.0.1:2380,n2=http://127.0.0.1:2390,n3=http://127.0.0.1:2400',
    'quorate serve --config-file n1.yaml',
  ],
  dev: ['quorate dev', 'quorate dev --nodes 5 --base-port 0 --data-dir /tmp/quorate'],
  gateway: [
    'quorate gateway --cluster-file cluster.json --client-key-file alice.key --listen 127.0.0.1:2379',
  ],
  put: ['quorate put hello world', 'quorate put config < config.json'],
  get: ['quorate get hello', 'quorate get users/ --prefix --json'],
  txn: ['printf \'value("k") = "1"\\n\\nput k 2\\n\\nget k\\n\' | quorate txn'],
  watch: ['quorate watch config/ --prefix', 'quorate watch jobs/ --prefix -- ./on-change.sh'],
  lock: ['quorate lock nightly -- ./backup.sh'],
  partition: ['quorate partition n1 n2,n3', 'quorate partition n1 n2 --one-way --ttl 30s'],
  fault: [
    'quorate fault network n1 --to n2,n3 --loss 0.1 --delay 50ms --jitter 20ms --ttl 30s',
    'quorate fault byzantine n4 equivocate',
    'quorate fault clear',
  ],
  sim: ['quorate sim --seeds 1..1000', 'quorate sim --seed 17 --trace'],
  check: ['quorate check history.jsonl', 'quorate check jepsen.log --html history.html'],
  explore: ['quorate explore --list', 'quorate explore --world elections'],
  keygen: ['quorate keygen alice.key', 'quorate keygen --public alice.key'],
  pki: ['quorate pki --nodes n1,n2,n3,n4 --clients alice,bob --dir ./pki'],
  bench: [
    'quorate bench --only stream --seconds 8',
    'quorate bench --protocol pbft',
    'quorate bench --against etcd',
  ],
}

/** Errors in one line, by exception, so that main alone decides how the process ends. */
function harden(command: Command): Command {
  for (const sub of command.commands) harden(sub)
  return command.exitOverride().configureOutput({
    outputError: (text) => complain(oneLine(text).replace(/^error: /, '')),
  })
}

function addNodes(program: Command): void {
  const serve = program.command('serve').description('run one node')
  addServeOptions(serve).action(async (options: Record<string, unknown>, command: Command) => {
    const { serve } = await import('./commands/serve.js')
    await serve(options, (name: string) => command.getOptionValueSource(name) ?? 'default')
  })
  program
    .command('dev')
    .description('run a whole cluster on this machine; its data stays in the folder')
    .option('--nodes <n>', 'how many nodes', number('--nodes', 1, 9))
    .option('--protocol <name>', 'raft or pbft')
    .option(
      '--base-port <port>',
      "the first node's client port; each further node's is 10 above; 0 picks free ones",
      number('--base-port', 0, 65_000),
    )
    .addOption(env(new Option('--data-dir <dir>', 'where the cluster lives').default('./.quorate')))
    .option('--no-restart', 'leave a dead node dead')
    .action(async (options) => {
      const { dev } = await import('./commands/dev.js')
      await dev(options)
    })
}

function addCluster(program: Command, setExitCode: SetExitCode): void {
  const client = (name: string, description: string) =>
    clientOptions(program.command(name).description(description))
  client('status', 'what every node says of itself')
    .option('--json', 'print JSON')
    .action(async (options) => {
      setExitCode(await (await import('./commands/status.js')).status(options))
    })
  client('partition', 'cut groups of nodes off from each other: quorate partition n1 n2,n3')
    .argument('<groups...>', 'names with commas between; nodes in no group keep all their links')
    .option('--one-way', 'only the first group drops what it would send to the others')
    .option('--ttl <duration>', 'heal by itself after, such as 30s', duration('--ttl'))
    .action(async (groups, options) => {
      await (await import('./commands/partition.js')).partition(groups, options)
    })
  addFaults(program)
  client('heal', 'end every partition')
    .argument('[names...]', 'only these nodes')
    .action(async (names, options) => {
      await (await import('./commands/partition.js')).heal(names, options)
    })
  client('transfer-leader', 'have another node lead')
    .argument('<name>')
    .action(async (name, options) => {
      await (await import('./commands/transfer.js')).transfer(name, options)
    })
}

function addFaults(program: Command): void {
  const fault = program.command('fault').description('lose, delay, repeat and reorder messages')
  const chance = (command: Command, name: string, description: string) =>
    command.option(`--${name} <p>`, `${description}, 0 to 1`, probability(`--${name}`))
  const network = fault
    .command('network')
    .description(
      'what these nodes, else all, do to messages they send; replaces what was set before',
    )
    .argument('[names...]', 'who does it')
    .option('--to <names>', 'only towards these nodes, commas between')
    .option('--delay <duration>', 'holds each message back', duration('--delay'))
    .option(
      '--jitter <duration>',
      'and up to so much longer; the order stays',
      duration('--jitter'),
    )
    .option('--ttl <duration>', 'ends by itself after, such as 30s', duration('--ttl'))
  chance(network, 'loss', 'chance of being lost')
  chance(network, 'duplicate', 'chance of being sent twice')
  chance(network, 'reorder', 'chance of being overtaken')
  clientOptions(network).action(async (names, options) => {
    await (await import('./commands/fault.js')).faultNetwork(names, options)
  })
  clientOptions(
    fault
      .command('byzantine')
      .description('make a PBFT replica lie, as equivocate or silent; clear: honest again'),
  )
    .argument('<name>', 'who lies')
    .argument('[kinds...]', 'in which ways (docs/pbft.md), or clear; none: tell what it does')
    .action(async (name, kinds, options) => {
      await (await import('./commands/fault.js')).faultByzantine(name, kinds, options)
    })
  clientOptions(fault.command('clear').description('end them, on these nodes or on all'))
    .argument('[names...]', 'only these nodes')
    .action(async (names, options) => {
      await (await import('./commands/fault.js')).faultClear(names, options)
    })
}

function addTools(program: Command, setExitCode: SetExitCode): void {
  const wal = program.command('wal').description("look into a node's write-ahead log, read only")
  wal
    .command('dump')
    .description('print every record')
    .argument('<dir>', "a node's data directory, or its wal folder")
    .option('--json', 'one JSON object a line')
    .action(async (dir, options) => {
      setExitCode(await (await import('./commands/wal.js')).dump(dir, options))
    })
  wal
    .command('verify')
    .description('check every checksum and the chain between segments; exit 7 when one is wrong')
    .argument('<dir>', "a node's data directory, or its wal folder")
    .option('--json', 'print JSON')
    .action(async (dir, options) => {
      setExitCode(await (await import('./commands/wal.js')).verify(dir, options))
    })
  program
    .command('bench')
    .description('measure a cluster of its own, with real fsync, in some 60 to 90 s')
    .addOption(
      new Option('--protocol <name>', 'pbft: the same loads over Raft and over PBFT')
        .choices(['raft', 'pbft'])
        .default('raft'),
    )
    .option('--seconds <n>', 'of each measurement', number('--seconds', 1, 8))
    .option(
      '--warm-up <n>',
      'seconds of load before each measurement: nodes are slow until their code is compiled (default: 1)',
      number('--warm-up', 1, 60),
    )
    .option('--only <names>', 'such as unary-100,stream')
    .option('--dir <dir>', 'where its temporary data lives: choose the disk to measure')
    .addOption(
      new Option(
        '--against <rival>',
        'the same Put and Range on it and on ours, alternately',
      ).choices(['etcd']),
    )
    .option('--json', 'results as JSON in the last line')
    .action(async (options) => {
      if (options.against !== undefined) {
        setExitCode(await (await import('./commands/bench-against.js')).benchAgainst(options))
        return
      }
      setExitCode(await (await import('./commands/bench.js')).bench(options))
    })
  program
    .command('sim')
    .description('run seeded simulations of whole clusters and check every step')
    .option('--protocol <name>', 'raft or pbft', 'raft')
    .option('--machine <name>', "what is replicated: ledger, the simulator's own, or etcd (ledger)")
    .option('--seeds <range>', 'A..B, or one seed', '1..100')
    .option('--nodes <n>', 'of each cluster; else drawn from the seed', number('--nodes', 1, 9))
    .option('--seed <seed>', 'one seed, instead of --seeds')
    .option(
      '--for <duration>',
      'how long faults strike in each run, in simulated time: 5m; else 30s, 10s with pbft; longer only until enough has happened',
    )
    .option('--faults <kinds>', 'only these kinds or groups, commas between; none for a quiet run')
    .option('--liars <list>', 'with pbft: who lies and how, such as n1=equivocate,n2=silent')
    .option('--jobs <n>', 'processes; else one a core', number('--jobs', 1, 256))
    .option('--trace', 'print what happened')
    .option('--doublecheck', 'run each seed in two processes and demand the same history')
    .option('--history <file>', 'write what the clients of one seed saw, as JSON lines')
    .option('--shrink', 'make the failing run of one seed small, and draw it')
    .option('--shrink-runs <n>', 'runs at most', number('--shrink-runs', 1, 100_000), 3_000)
    .option('--shrink-for <duration>', 'real time at most', '2m')
    .option('--recipe <file>', 'write the small run there; without --shrink: replay what is there')
    .option('--diagram <file>', 'draw it into a file: .html, or .mmd for Mermaid')
    .option('--json', 'print JSON')
    .action(async (options) => {
      setExitCode(await (await import('./commands/sim.js')).sim(options))
    })
}

function addCheck(program: Command, setExitCode: SetExitCode): void {
  const check = program
    .command('check')
    .description('is a recorded history linearizable? exit 1 when it is not, 4 when undecided')
    .argument('<history>', 'JSON lines, EDN maps or a Jepsen log; - reads stdin')
    .option('--model <name>', 'register, cas-register, kv, mvcc or lock; else by what was asked')
    .option('--format <name>', 'json, jepsen or edn; else by the first line')
    .option('--keyed', 'values are [key value]; else by the look of the reads')
    .option(
      '--revision <n>',
      'mvcc: of the empty store before the history',
      number('--revision', 0, Number.MAX_SAFE_INTEGER),
    )
    .option('--failed-cas <how>', 'a cas that failed without an error: ignored or observed')
    .addOption(
      new Option('--timeout <duration>', 'until the verdict is unknown')
        .default(10_000, '10s')
        .argParser(duration('--timeout')),
    )
    .option('--html <file>', 'draw what fails')
    .option('--watch', 'the file holds what watchers saw, in lines of their own')
    .option('--json', 'print JSON')
    .action(async (history, options) => {
      setExitCode(await (await import('./commands/check.js')).check(history, options))
    })
  addPerf(check, setExitCode)
}

function addExplore(program: Command, setExitCode: SetExitCode): void {
  program
    .command('explore')
    .description('try every order of events in small worlds of real cores; exit 1 on a violation')
    .option('--protocol <name>', 'raft or pbft', 'raft')
    .option('--world <names>', 'only these, commas between; else all')
    .option('--states <n>', 'so many states at most', number('--states', 1, 2 ** 30))
    .option('--jobs <n>', 'processes; else one a core', number('--jobs', 1, 256))
    .option('--list', 'print the worlds and what each is after')
    .option('--no-promises', 'do not check that the disk vouches for each message as it leaves')
    .option('--no-symmetry', 'tell worlds apart that differ in the names of the nodes alone')
    .option('--json', 'one JSON object a world')
    .action(async (options) => {
      setExitCode(await (await import('./commands/explore.js')).explore(options))
    })
}

function addKeys(program: Command): void {
  program
    .command('keygen')
    .description("make one PBFT replica's or client's key; prints the public half")
    .argument('<file>', 'for the private key; never overwritten')
    .option('--public', 'only print the public key of a file that is there')
    .option('--json', 'print JSON')
    .action(async (file, options) => (await import('./commands/keygen.js')).keygen(file, options))
  program
    .command('pki')
    .description("make a whole PBFT cluster's keys, and the cluster file with the public ones")
    .requiredOption('--nodes <names>', 'commas between; at least 4, and 3f+1 bear f liars')
    .option('--clients <names>', 'commas between')
    .requiredOption('--dir <dir>', 'for cluster.json and a NAME.key each')
    .option(
      '--allow-anonymous-clients',
      'whoever makes a key may ask: every replica then accepts it',
    )
    .option('--token <token>', "the cluster's own name; else a random one")
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./commands/pki.js')).pki(options))
}
