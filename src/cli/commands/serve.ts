/** `serve`: one node, until it is told to stop or cannot go on. */
import { pino } from 'pino'
import { ETCD_VERSION } from '../../server/etcd/version.js'
import { complain } from '../errors.js'
import { gather, toServeConfig } from '../serve-config.js'

const API_VERSION = ETCD_VERSION.replace(/\.\d+$/, '')
/** A second signal within it is the same one: terminals and npm send it twice. */
const SIGNALS_ARE_ONE_MS = 500
/** Until a graceful stop is cut short. */
const STOP_MS_MAX = 10_000

export async function serve(
  options: Readonly<Record<string, unknown>>,
  sourceOf: (option: string) => string,
): Promise<void> {
  const { node: config, warnings } = toServeConfig(gather(options, sourceOf, process.env))
  const log = pino(
    { base: { node: config.name }, timestamp: pino.stdTimeFunctions.isoTime },
    STDERR,
  )
  for (const warning of warnings) complain(warning)
  const stop = stopper(log)
  process.on('uncaughtException', (error) => die(error))
  process.on('unhandledRejection', (error) => die(error))
  function die(error: unknown): never {
    log.fatal({ err: error }, 'an error that nothing handles: the node stops at once')
    process.exit(1)
  }
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

const STDERR = pino.destination({ fd: 2, sync: true })

function stopper(log: pino.Logger) {
  let close: (() => Promise<void>) | null = null
  let askedAt: number | null = null
  const begin = () => {
    if (askedAt === null || close === null) return
    close().catch((error: unknown) => {
      log.fatal({ err: error }, 'the stop failed')
      process.exit(1)
    })
  }
  const ask = (why: string, signal: boolean) => {
    const now = performance.now()
    if (askedAt !== null) {
      if (signal && now - askedAt > SIGNALS_ARE_ONE_MS) process.exit(130)
      return
    }
    askedAt = now
    log.info({ why }, 'stopping')
    setTimeout(() => {
      log.error('the stop took too long')
      process.exit(1)
    }, STOP_MS_MAX).unref()
    begin()
  }
  process.removeAllListeners('SIGINT')
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => ask(name, true))
  // Whoever started us is gone, or lets us go.
  if (process.connected) process.once('disconnect', () => ask('the parent let go', false))
  return {
    whenAsked(action: () => Promise<void>): void {
      close = action
      begin()
    },
  }
}
