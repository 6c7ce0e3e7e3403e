/** What the client port answers over HTTP/1.1: etcd's JSON gateway, and the pages for operators. */
import type { RequestListener } from 'node:http'
import type { CallTally } from '../rpc/call-tally.js'
import { type CallersAllowed, letIn } from '../rpc/http/callers.js'
import { createGateway } from '../rpc/http/gateway.js'
import { sendError } from '../rpc/http/status.js'
import { CLIENT_PORT_LIMITS } from '../rpc/limits.js'
import { Code } from '../rpc/status.js'
import type { Route } from '../rpc/types.js'
import { createPages, type PageParts } from '../server/http/pages.js'
import type { NodeConfig } from './config.js'

/** By what names and pages this node is known. */
type Known = Pick<NodeConfig, 'http' | 'listenClient' | 'advertiseClient' | 'initialCluster'>

export interface HttpParts extends PageParts {
  readonly routes: readonly Route[]
  readonly tally?: CallTally
  readonly onError: (error: unknown, path: string) => void
}

export function httpListener(config: Known, parts: HttpParts): RequestListener {
  const callers = callersOf(config)
  const gateway = createGateway({ ...CLIENT_PORT_LIMITS, ...parts })
  const pages = createPages(parts)
  return (request, response) => {
    response.on('error', () => {})
    if (!letIn(request, response, callers)) return
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { Allow: 'POST, GET, HEAD, OPTIONS' }).end()
      return
    }
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const found = pages(path) ?? gateway(path)
    if (found !== null) found(request, response)
    else sendError(response, { status: 404, code: Code.NOT_FOUND, message: 'no such page' })
  }
}

function callersOf(config: Known): CallersAllowed {
  const { http, listenClient, advertiseClient, initialCluster } = config
  const names = initialCluster.map(({ address }) => address.host)
  if (listenClient !== null) names.push(listenClient.host)
  if (advertiseClient !== null) names.push(advertiseClient.replace(/:\d+$/, ''))
  return {
    hosts: new Set([...names, ...http.hosts].map((name) => name.toLowerCase())),
    origins: new Set(http.origins.map((origin) => origin.toLowerCase())),
  }
}
