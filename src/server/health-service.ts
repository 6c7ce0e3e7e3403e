/**
 * grpc.health.v1. The service `` (the process) serves while its log is healthy; `quorate.v1.Quorate` serves while a
 * leader is known, that is while a command has somewhere to go.
 */
import { HealthCheckResponse_ServingStatus } from '../gen/grpc/health/v1/health.js'
import { health as healthMethods } from '../rpc/services.js'
import { Code, RpcError } from '../rpc/status.js'
import { type Route, streaming, unary } from '../rpc/types.js'

export interface Health {
  processServing(): boolean
  leaderKnown(): boolean
}

/** How often a Watch looks whether the answer has changed. */
const WATCH_MS = 250

export function healthRoutes(health: Health): Route[] {
  return [
    unary(healthMethods.check, (request) => {
      const serving = servingOf(health, request.service)
      if (serving === null) throw new RpcError(Code.NOT_FOUND, `no service ${request.service}`)
      return { status: statusOf(serving) }
    }),
    streaming(healthMethods.watch, (stream) => {
      let timer: NodeJS.Timeout | undefined
      stream.onMessage((request) => {
        if (timer !== undefined) return
        let last: number | null = null
        const tell = () => {
          const serving = servingOf(health, request.service)
          const status =
            serving === null ? HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN : statusOf(serving)
          if (status === last) return
          last = status
          stream.write({ status })
        }
        tell()
        timer = setInterval(tell, WATCH_MS)
      })
      stream.onClose(() => clearInterval(timer))
    }),
  ]
}

function servingOf(health: Health, service: string): boolean | null {
  if (service === '') return health.processServing()
  if (service === 'quorate.v1.Quorate') return health.processServing() && health.leaderKnown()
  return null
}

function statusOf(serving: boolean): HealthCheckResponse_ServingStatus {
  return serving
    ? HealthCheckResponse_ServingStatus.SERVING
    : HealthCheckResponse_ServingStatus.NOT_SERVING
}
