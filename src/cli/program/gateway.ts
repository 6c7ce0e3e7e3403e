/** `gateway`. */
import { type Command, Option } from 'commander'
import { duration, env } from './options.js'

export function addGateway(program: Command): void {
  const option = (flags: string, description: string) => env(new Option(flags, description))
  const time = (flags: string, description: string, ms: number, shown: string) =>
    option(flags, description)
      .default(ms, shown)
      .argParser(duration(flags.split(' ')[0] ?? flags))
  program
    .command('gateway')
    .description("etcd's API over a PBFT cluster, beside the application: believes f+1 replicas")
    .addOption(option('--cluster-file <file>', "the cluster's public keys: whom to believe"))
    .addOption(option('--client-key-file <file>', 'private key of the client as which it asks'))
    .addOption(option('--listen <host:port>', 'where etcd clients dial').default('127.0.0.1:2379'))
    .addOption(
      option(
        '--endpoints <list>',
        'host:port of all replicas; else those that the cluster file tells',
      ),
    )
    .addOption(time('--command-timeout <duration>', 'until a request times out', 5_000, '5s'))
    .addOption(
      time('--dial-timeout <duration>', 'until a connection to a replica is given up', 2_000, '2s'),
    )
    .addOption(
      time(
        '--watch-interval <duration>',
        'while somebody watches, changes are asked for so often',
        100,
        '100ms',
      ),
    )
    .addOption(option('--host-whitelist <list>', 'further names of this process in Host; * any'))
    .addOption(option('--cors <list>', 'web pages that may ask; * any'))
    .addOption(option('--insecure', 'listen where other machines reach it, without TLS'))
    .action(async (options) => {
      const { gateway } = await import('../commands/gateway.js')
      await gateway(options)
    })
}
