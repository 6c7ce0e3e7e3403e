/** What a process that runs until it is told to stop has around it: its log, its signals, its last resort. */
import { pino } from 'pino'

/** A second signal within it is the same one: terminals and npm send it twice. */
const SIGNALS_ARE_ONE_MS = 500
/** Until a graceful stop is cut short. */
const STOP_MS_MAX = 10_000

const STDERR = pino.destination({ fd: 2, sync: true })

/** Every line says who it is from. */
export function openLog(base: Readonly<Record<string, string>>): pino.Logger {
  return pino({ base, timestamp: pino.stdTimeFunctions.isoTime }, STDERR)
}

/** Takes over what nothing else handles, and the signals: from now on it ends by `whenAsked`'s action. */
export function stopper(log: pino.Logger) {
  const die = (error: unknown): never => {
    log.fatal({ err: error }, 'an error that nothing handles: the process stops at once')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
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
