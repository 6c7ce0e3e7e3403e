/** `serve`: one node, until it is told to stop or cannot go on. */
import { ETCD_VERSION } from '../../server/etcd/version.js'
import { complain } from '../errors.js'
import { openLog, stopper } from '../process.js'
import { toServeConfig } from '../serve-config.js'
import { gather } from '../serve-written.js'

const API_VERSION = ETCD_VERSION.replace(/\.\d+$/, '')

export async function serve(
  options: Readonly<Record<string, unknown>>,
  sourceOf: (option: string) => string,
): Promise<void> {
  const { node: config, warnings } = toServeConfig(gather(options, sourceOf, process.env))
  const log = openLog({ node: config.name })
  for (const warning of warnings) complain(warning)
  const stop = stopper(log)
  const { startNode } = await import('../../node/compose.js')
  const node = await startNode(config, { log })
  log.info({ client: node.clientEndpoint, peer: node.peerEndpoint }, 'listening')
  // Lines that scripts wait for, in etcd's words.
  node.replica.led.then(() => {
    log.info({ name: config.name }, 'published local member to cluster')
    log.info({ 'cluster-version': API_VERSION }, `enabled capabilities for version ${API_VERSION}`)
    log.info({ client: node.clientEndpoint }, 'ready to serve client requests')
  })
  stop.whenAsked(() => node.close())
  await node.closed
  log.info('stopped')
}
